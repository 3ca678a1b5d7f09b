"""Attention and recurrent layers in every form that a backend gives them, against arithmetic by hand.

Sizes are different primes wherever an operator allows it: of queries and keys 5 and 7 positions, widths 11 and 13.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from mac_audit.cost import Costed
from tests.costing import access, by_hand, index, meta

aten = torch.ops.aten

# --- attention -----------------------------------------------------------------------------------------------------

# Softmax: scale, maximum, difference, exp, sum, quotient.
SOFTMAX = 6
q, k, v = meta(2, 3, 5, 11), meta(2, 3, 7, 11), meta(2, 3, 7, 13)
result = meta(2, 3, 5, 13)
first = [tensor.transpose(1, 2).clone() for tensor in (q, k, v)]  # positions before heads
ENTRIES = 2 * 3 * 5 * 7
WHOLE: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "composite": (aten.scaled_dot_product_attention.default, (q, k, v)),
    "math": (aten._scaled_dot_product_attention_math.default, (q, k, v)),
    "efficient": (aten._scaled_dot_product_efficient_attention.default, (q, k, v, None, False)),
    "triton": (aten._triton_scaled_dot_attention.default, (q, k, v)),
    "cudnn": (aten._cudnn_attention_forward.default, (q, k, v, None, None, None, 5, 7, False)),
    # where one side alone ends, nothing is packed
    "cudnn, ends of queries": (aten._cudnn_attention_forward.default, (q, k, v, None, index(3), None, 5, 7, False)),
    "cudnn, ends of keys": (aten._cudnn_attention_forward.default, (q, k, v, None, None, index(3), 5, 7, False)),
    "flash": (aten._flash_attention_forward.default, (*first, None, None, 5, 7, 0.0, False, False)),
    "flash, ends of queries": (
        aten._flash_attention_forward.default,
        (*first, index(3), None, 5, 7, 0.0, False, False),
    ),
    "flash, ends of keys": (aten._flash_attention_forward.default, (*first, None, index(3), 5, 7, 0.0, False, False)),
    "efficient, forward": (aten._efficient_attention_forward.default, (*first, None, None, None, None, None, 0.0, 0)),
}


@pytest.mark.parametrize("name", WHOLE)
def test_attention_is_two_products_and_a_softmax(name: str) -> None:
    overload, arguments = WHOLE[name]
    found = by_hand(overload, *arguments, outs=[result])
    assert (found.coverage, found.kind) == ("exact", "matmul")
    assert found.cost.madds == ENTRIES * (11 + 13)
    assert found.cost.other_ops == ENTRIES * SOFTMAX


def packed(kernel: str, longest: tuple[int, int], *ends: Tensor, queries: int = 10, keys: int = 14) -> Costed:
    """Ends of sequences whose queries have 10 positions together and their keys 14, before three heads."""
    q, k, v = meta(queries, 3, 11), meta(keys, 3, 11), meta(keys, 3, 13)
    if kernel == "flash":
        arguments: tuple[Any, ...] = (q, k, v, *ends, *longest, 0.0, False, False)
    elif kernel == "efficient":
        arguments = (*(tensor[None].clone() for tensor in (q, k, v)), None, *ends, *longest, 0.0, 0)
    else:
        arguments = (q, k, v, None, *ends, *longest, False)
    overload = getattr(aten, f"_{kernel}_attention_forward").default
    return by_hand(overload, *arguments, outs=[(queries, 3, 13)])


@pytest.mark.parametrize("kernel", ["flash", "efficient", "cudnn"])
def test_packed_sequences_attend_to_their_own(kernel: str) -> None:
    """Two of 5 and 7 positions each; else the least that two can have, where both are of the same sequences."""
    ends, others, entries = index(3), index(3), 3 * 2 * (5 * 7)
    even = packed(kernel, (5, 7), ends, others)
    assert (even.coverage, even.cost.madds, even.cost.other_ops) == ("exact", entries * (11 + 13), entries * SOFTMAX)
    for longest in (6, 7), (5, 8):
        uneven = packed(kernel, longest, ends, ends)
        assert (uneven.coverage, uneven.kind, uneven.cost.madds) == ("unknown", "matmul", entries * (11 + 13))
        assert packed(kernel, longest, ends, others).cost.madds == 0


@pytest.mark.parametrize("kernel", ["flash", "efficient", "cudnn"])
def test_sequence_alone_is_exact_whatever_length_is_allowed(kernel: str) -> None:
    """Where there is none, neither are there queries."""
    one = packed(kernel, (16, 16), index(2), index(2))
    assert (one.coverage, one.cost.madds) == ("exact", 3 * 10 * 14 * (11 + 13))
    none = packed(kernel, (16, 16), index(1), index(1), queries=0, keys=0)
    assert (none.coverage, none.cost.madds) == ("exact", 0)


def test_result_that_is_given_is_overwritten() -> None:
    overload = aten._flash_attention_forward_no_dropout_inplace.default
    found = by_hand(overload, meta(2, 5, 3, 13), *first, None, None, 5, 7, 0.0, False, False, outs=[(2, 3, 5)])
    assert (found.cost.madds, found.cost.other_ops) == (ENTRIES * (11 + 13), ENTRIES * SOFTMAX)
    assert found.cost.reads_activation == sum(tensor.numel() for tensor in first)


def test_pages_of_a_cache_count_as_long_as_the_longest() -> None:
    """Six queries of three heads against 48 keys each, at the most."""
    pages = meta(100, 16, 3, 11), meta(100, 16, 3, 13)
    found = by_hand(
        *(aten._flash_attention_forward.default, meta(6, 3, 11), *pages, index(4), index(4), 2, 48, 0.0, True, False),
        outs=[(6, 3, 13)],
        block_table=index(3, 3),
    )
    assert (found.coverage, found.cost.madds, found.cost.other_ops) == (
        *("exact", 6 * 3 * 48 * (11 + 13)),
        6 * 3 * 48 * SOFTMAX,
    )


@pytest.mark.parametrize("name", ["_native_multi_head_attention", "_triton_multi_head_attention"])
def test_attention_with_its_projections(name: str) -> None:
    """A batch of 2, width 21 in three heads of seven: 5 queries are projected there and back, 11 keys and values."""
    query, key = meta(2, 5, 21), meta(2, 11, 21)
    weights = meta(63, 21), meta(63), meta(21, 21), meta(21)
    found = by_hand(getattr(aten, name).default, query, key, key, 21, 3, *weights, outs=[query])
    projected, entries = 2 * (5 + 11 + 11 + 5) * 21, 2 * 3 * 5 * 11
    assert (found.coverage, found.cost.madds) == ("exact", projected * 21 + entries * (7 + 7))
    assert found.cost.other_ops == projected + entries * SOFTMAX  # a bias each


@pytest.mark.parametrize(("use_gelu", "activation"), [(False, 1), (True, 5)])
def test_encoder_layer_in_one_kernel(use_gelu: bool, activation: int) -> None:
    """A batch of 2, 5 positions of width 21 in three heads, 13 hidden units."""
    x, width, hidden = meta(2, 5, 21), meta(21), 13
    weights = meta(63, 21), meta(63), meta(21, 21), width
    linear = meta(hidden, 21), meta(hidden), meta(21, hidden), width
    norms = (width,) * 4
    found = by_hand(
        *(aten._transformer_encoder_layer_fwd.default, x, 21, 3, *weights, use_gelu, False, 1e-5, *norms, *linear),
        outs=[x],
    )
    projected, entries, positions = 2 * 4 * 5 * 21, 2 * 3 * 5 * 5, 2 * 5
    assert found.cost.madds == projected * 21 + entries * (7 + 7) + positions * (21 * hidden + hidden * 21)
    norm = 7  # mean, difference, square; difference, scale; scale, shift
    assert found.cost.other_ops == (
        (projected + entries * SOFTMAX)
        + positions * 21 * (2 * norm + 2)  # two norms and two sums
        + positions * (hidden * (1 + activation) + 21)  # the linear layers' biases and what is between them
    )


# --- recurrent -----------------------------------------------------------------------------------------------------

SIGMOID, TANH = 4, 1
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
CELL = {  # for each hidden unit
    "lstm": 4 + 3 * SIGMOID + 2 * TANH + 3 + 1,  # sums of products, gates, candidates, products and sum of states
    "gru": 3 + 2 * SIGMOID + TANH + 1 + 3,  # sums, gates, candidate, its reset, (h - n)·z + n
    "rnn": 1 + TANH,
}
MODES = {0: "rnn", 1: "rnn", 2: "lstm", 3: "gru"}  # cuDNN's cudnnRNNMode_t: ReLU, tanh, LSTM, GRU
STEPS, IN, OUT = 5 * 2, 3, 7  # five steps of two sequences


def stack(kind: str, layers: int, both: bool, bias: bool) -> tuple[list[Tensor], int, int]:
    """Weights of a stack, its multiply-adds and other operations."""
    gates, weights, madds, operations = GATES[kind] * OUT, [], 0, 0
    for layer in range(layers):
        entering = OUT * (1 + both) if layer else IN
        for _ in range(1 + both):
            weights += [meta(gates, entering), meta(gates, OUT), *[meta(gates)] * (2 * bias)]
            madds += STEPS * gates * (entering + OUT)
            operations += STEPS * (OUT * CELL[kind] + 2 * bias * gates)
    return weights, madds, operations


SHAPES = [(1, False, True), (1, True, False), (2, False, False), (3, True, True)]
x, h = meta(5, 2, IN), meta(1, 2, OUT)
STACKS = {
    "lstm": (aten.lstm.input, "lstm"),
    "lstm_mps": (aten._lstm_mps.default, "lstm"),
    "quantized_lstm": (aten.quantized_lstm.input_legacy, "lstm"),
    "gru": (aten.gru.input, "gru"),
    "rnn_tanh": (aten.rnn_tanh.input, "rnn"),
    "rnn_relu": (aten.rnn_relu.input, "rnn"),
}


def distinct(weights: list[Tensor]) -> list[Tensor]:
    return [weight.clone() for weight in weights]


@pytest.mark.parametrize(("layers", "both", "bias"), SHAPES)
@pytest.mark.parametrize("name", STACKS)
def test_stack_of_layers(name: str, layers: int, both: bool, bias: bool) -> None:
    overload, kind = STACKS[name]
    weights, madds, operations = stack(kind, layers, both, bias)
    states = [h, h.clone()] if kind == "lstm" else h
    found = by_hand(overload, x, states, distinct(weights), bias, layers, 0.0, False, both, False, outs=[x])
    assert (found.coverage, found.kind) == ("exact", "matmul")
    assert (found.cost.madds, found.cost.other_ops) == (madds, operations)
    assert found.steps == layers * (1 + both) * x.shape[0]
    first = by_hand(overload, x, states, distinct(weights), bias, layers, 0.0, False, both, True, outs=[x])
    assert first.steps == layers * (1 + both) * x.shape[1]  # the batch is the first dimension
    assert by_hand(overload, x, states, [None], bias, layers, 0.0, False, both, False, outs=[x]).coverage == "unknown"


@pytest.mark.parametrize(("layers", "both", "bias"), SHAPES)
@pytest.mark.parametrize("mode", MODES)
def test_stack_of_layers_by_mode(mode: int, layers: int, both: bool, bias: bool) -> None:
    weights, madds, operations = stack(MODES[mode], layers, both, bias)
    weights = distinct(weights)
    cudnn = by_hand(
        *(aten._cudnn_rnn.default, x, weights, 2, None, h, None, mode, OUT, 0, layers, False, 0.0, False, both, []),
        *(None,),
        outs=[x],
    )
    miopen = by_hand(
        *(aten.miopen_rnn.default, x, weights, 2, h, None, mode, OUT, layers, False, 0.0, False, both, [], None),
        outs=[x],
    )
    for kernel in (cudnn, miopen):
        assert (kernel.cost.madds, kernel.cost.other_ops) == (madds, operations)
        assert kernel.steps == layers * (1 + both) * x.shape[0]
        assert access(kernel)[0] == x.numel() + h.numel() + sum(weight.numel() for weight in weights)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_layer_of_onednn(mode: int, bias: bool) -> None:
    """It gets biases in any case, and adds them where it ``has_biases``."""
    weights, madds, _ = stack(MODES[mode], 1, False, True)
    _, _, operations = stack(MODES[mode], 1, False, bias)
    found = by_hand(
        *(aten.mkldnn_rnn_layer.default, x, *distinct(weights), h, h, False, [], mode, OUT, 1, bias, False, False),
        *(False,),
        outs=[x],
    )
    assert (found.kind, found.cost.madds, found.cost.other_ops) == ("matmul", madds, operations)
    assert found.steps == x.shape[0]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("name", ["lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"])
def test_cell(name: str, bias: bool) -> None:
    """One step of two sequences."""
    kind = name.split("_", maxsplit=1)[0]
    gates = GATES[kind] * OUT
    x, h = meta(2, IN), meta(2, OUT)
    states = [h, h.clone()] if kind == "lstm" else h
    biases = [meta(gates), meta(gates)] if bias else [None, None]
    arguments = (x, states, meta(gates, IN), meta(gates, OUT), *biases)
    found = by_hand(getattr(aten, name).default, *arguments, outs=[h])
    assert (found.coverage, found.kind, found.cost.madds) == ("exact", "matmul", 2 * gates * (IN + OUT))
    assert found.cost.other_ops == 2 * (OUT * CELL[kind] + 2 * bias * gates)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_cell_after_its_products(kind: str, bias: bool) -> None:
    gates = GATES[kind] * OUT
    overload = getattr(aten, f"_thnn_fused_{kind}_cell").default
    biases = [meta(gates), meta(gates)] if bias else [None, None]
    found = by_hand(overload, meta(2, gates), meta(2, gates), meta(2, OUT), *biases, outs=[(2, OUT)])
    assert (found.kind, found.cost.madds) == ("elementwise", 0)
    assert found.cost.other_ops == 2 * (OUT * CELL[kind] + 2 * bias * gates)


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
def test_cell_of_bytes(name: str) -> None:
    """Its packed weights hold the biases; those beside are the same once more, and not read."""
    kind, int8 = name.split("_", maxsplit=1)[0], torch.int8
    gates = GATES[kind] * OUT
    x, h = meta(2, IN), meta(2, OUT)
    states = [h, h.clone()] if kind == "lstm" else h
    packed = [(meta(gates, width, dtype=int8), meta(gates)) for width in (IN, OUT)]
    overload = getattr(torch.ops.quantized, f"quantized_{name}_cell_dynamic").default
    found = by_hand(overload, x, states, *packed, meta(gates), meta(gates), outs=[h])
    assert (found.kind, found.cost.madds) == ("matmul", 2 * gates * (IN + OUT))
    assert found.cost.other_ops == 2 * (OUT * CELL[kind] + 2 * gates)
    read = 2 * IN + 2 * OUT * (2 if kind == "lstm" else 1) + gates * (IN + OUT) + 2 * gates
    assert access(found)[0] == read

"""Kernels that do a whole layer, against the same layer taken apart, torch's own counter, or arithmetic by hand."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import flop_registry

from mac_audit.cost import Contraction, Costed
from tests.costing import access, by_hand, index, meta, only, profile, working

aten = torch.ops.aten

# --- what torch counts ---------------------------------------------------------------------------------------------

q, k, v = meta(2, 4, 5, 8), meta(2, 4, 7, 8), meta(2, 4, 7, 6)
few = meta(2, 2, 7, 8)  # heads of keys, half as many
offsets = index(4)
KERNELS = {  # (overload, arguments, result)
    "mm": (aten.mm.default, (meta(3, 4), meta(4, 5)), (3, 5)),
    "addmm": (aten.addmm.default, (meta(5), meta(3, 4), meta(4, 5)), (3, 5)),
    "bmm": (aten.bmm.default, (meta(2, 3, 4), meta(2, 4, 5)), (2, 3, 5)),
    "baddbmm": (aten.baddbmm.default, (meta(2, 3, 5), meta(2, 3, 4), meta(2, 4, 5)), (2, 3, 5)),
    "scaled_mm": (aten._scaled_mm.default, (meta(3, 4, dtype=torch.float8_e4m3fn), meta(4, 5), *[meta(1)] * 2), (3, 5)),
    "convolution": (
        *(aten.convolution.default, (meta(2, 4, 9, 9), meta(6, 2, 3, 3), None, [1, 1], [0, 0], [1, 1])),
        *((False, [0, 0], 2), (2, 6, 7, 7)),
    ),
    "transposed": (
        *(aten.convolution.default, (meta(2, 4, 7, 7), meta(4, 3, 3, 3), None, [1, 1], [0, 0], [1, 1])),
        *((True, [0, 0], 2), (2, 6, 9, 9)),
    ),
    "flash": (aten._scaled_dot_product_flash_attention.default, (q, k, k), (2, 4, 5, 8)),
    "efficient": (aten._scaled_dot_product_efficient_attention.default, (q, k, v, None, False), (2, 4, 5, 6)),
    "cudnn": (aten._scaled_dot_product_cudnn_attention.default, (q, k, v, None, False), (2, 4, 5, 6)),
    "grouped-query": (aten._scaled_dot_product_flash_attention.default, (q, few, few), (2, 4, 5, 8)),
    # three sequences of up to 6 queries and 6 keys, all as long: 18 positions
    "packed flash": (
        *(aten._flash_attention_forward.default, (meta(18, 4, 8), meta(18, 4, 8), meta(18, 4, 8), offsets, offsets)),
        *((6, 6, 0.0, False, False), (18, 4, 8)),
    ),
    "packed efficient": (
        aten._efficient_attention_forward.default,
        (meta(1, 18, 4, 8), meta(1, 18, 4, 8), meta(1, 18, 4, 8), None, offsets, offsets),
        *((6, 6, 0.0, 0), (1, 18, 4, 8)),
    ),
}


@pytest.mark.parametrize("name", KERNELS)
def test_kernel_is_counted_as_torch_counts_it(name: str) -> None:
    overload, arguments, *more, result = KERNELS[name]
    arguments = (*arguments, *(more[0] if more else ()))
    expected = flop_registry[overload.overloadpacket](*arguments, out_val=meta(*result))
    found = by_hand(overload, *arguments, outs=[result])
    assert found.cost.madds == expected // 2 > 0


# --- attention -----------------------------------------------------------------------------------------------------


def test_attention_with_positions_before_heads() -> None:
    """(batch, L, heads, d). Torch's counter reads that shape as (batch, heads, L, d), so by hand: 2·4·5·7·(8 + 8)."""
    arguments = (meta(2, 5, 4, 8), meta(2, 7, 2, 8), meta(2, 7, 2, 8))
    flash = by_hand(aten._flash_attention_forward.default, *arguments, None, None, 5, 7, 0.0, False, False, outs=[q])
    efficient = by_hand(
        aten._efficient_attention_forward.default, *arguments, None, None, None, None, None, 0.0, 0, outs=[q]
    )
    cudnn = by_hand(aten._cudnn_attention_forward.default, q, k, k, None, None, None, 5, 7, False, outs=[q])
    assert flash.cost.madds == efficient.cost.madds == cudnn.cost.madds == 2 * 4 * 5 * 7 * (8 + 8)
    assert flash.cost.other_ops == 6 * 2 * 4 * 5 * 7
    assert flash.cost.reads_activation == 2 * 5 * 4 * 8 + 2 * 2 * 7 * 2 * 8


def packed(longest: int, *ends: Tensor) -> Costed:
    """Three sequences of 18 positions together, four heads of eight."""
    x = meta(18, 4, 8)
    return by_hand(aten._flash_attention_forward.default, x, x, x, *ends, *(longest,) * 2, 0.0, False, False, outs=[x])


def test_packed_sequences_of_different_lengths_have_at_least_their_share() -> None:
    """Lengths 6, 6, 6 take 4 · 3·36 entries; 10, 5, 3 take 4 · (100 + 25 + 9), more than that."""
    even, uneven = packed(6, offsets, offsets), packed(10, offsets, offsets)
    assert (even.coverage, even.cost.madds) == ("exact", 4 * 3 * 36 * (8 + 8))
    assert (uneven.coverage, uneven.cost.unknown) == ("unknown", 1)
    assert uneven.cost.madds == even.cost.madds < 4 * (100 + 25 + 9) * (8 + 8)
    assert (uneven.kind, uneven.cost.writes) == ("matmul", 18 * 4 * 8)
    one = packed(18, index(2), index(2))
    assert (one.coverage, one.cost.madds) == ("exact", 4 * 18 * 18 * (8 + 8))


def test_packed_queries_of_other_sequences_than_the_keys_are_unknown() -> None:
    assert packed(10, index(4), index(4)).coverage == "unknown"
    assert packed(10, index(4), index(4)).cost.madds == 0


def test_attention_over_pages_of_a_cache() -> None:
    """Two queries a sequence, and 48 keys at the most in pages of 16 that a table names."""
    pages = meta(100, 16, 2, 8)
    found = by_hand(
        *(aten._flash_attention_forward.default, meta(6, 4, 8), pages, pages, offsets, offsets, 2, 48, 0.0),
        *(True, False),
        outs=[(6, 4, 8)],
        block_table=index(3, 3),
    )
    assert found.cost.madds == 6 * 4 * 48 * (8 + 8)


def test_fast_path_of_attention_costs_what_the_slow_one_does() -> None:
    """The fast path scales in its kernels and adds no up mean of weights: other operations differ, products do not."""
    layer, x = nn.MultiheadAttention(16, 4, batch_first=True), meta(3, 7, 16)
    slow = profile(lambda x: layer(x, x, x, need_weights=False), x)
    weights = (layer.in_proj_weight, layer.in_proj_bias, layer.out_proj.weight, layer.out_proj.bias)
    fast = by_hand(
        aten._native_multi_head_attention.default, x, x, x, 16, 4, *weights, outs=[x, x], weights=[5, 6, 7, 8]
    )
    assert fast.cost.madds == slow.total.madds == 3 * 7 * 16 * 16 * 4 + 3 * 4 * 7 * 7 * (4 + 4)
    assert fast.cost.reads_weight == 4 * 16 * 16 + 4 * 16


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_fast_path_of_an_encoder_layer_costs_what_the_slow_one_does(activation: str) -> None:
    layer = nn.TransformerEncoderLayer(16, 4, 24, batch_first=True, activation=activation)
    x, attention = meta(3, 7, 16), layer.self_attn
    slow = profile(layer, x)
    parts = (attention.in_proj_weight, attention.in_proj_bias, attention.out_proj.weight, attention.out_proj.bias)
    norms = (layer.norm1.weight, layer.norm1.bias, layer.norm2.weight, layer.norm2.bias)
    linear = (layer.linear1.weight, layer.linear1.bias, layer.linear2.weight, layer.linear2.bias)
    fast = by_hand(
        *(aten._transformer_encoder_layer_fwd.default, x, 16, 4, *parts, activation == "gelu", False, 1e-5),
        *(*norms, *linear),
        outs=[x],
    )
    assert fast.cost.madds == slow.total.madds
    assert fast.cost.other_ops == slow.total.other_ops


@pytest.mark.parametrize("key_heads", [4, 2])
def test_flexible_attention_is_taken_apart_into_both_products(key_heads: int) -> None:
    """As it runs where nothing compiles it, with a mask that is a function of positions: b·h·L_q·L_k·(d + d)."""
    from torch.nn.attention.flex_attention import flex_attention

    def causal(score: Tensor, batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return torch.where(query >= key, score, float("-inf"))

    found = profile(
        lambda q, k, v: flex_attention(q, k, v, causal, enable_gqa=key_heads < 4),
        *(meta(2, 4, 16, 8), meta(2, key_heads, 16, 8), meta(2, key_heads, 16, 8)),
    )
    assert found.coverage["unknown"] == ()
    assert found.total.madds == 2 * 4 * 16 * 16 * (8 + 8)


def test_what_a_model_compiles_is_captured_as_it_is() -> None:
    layer, x = nn.Linear(8, 16), meta(4, 8)
    compiled = torch.compile(lambda x: layer(x).relu())
    assert profile(compiled, x).total == profile(lambda x: layer(x).relu(), x).total


# --- recurrent -----------------------------------------------------------------------------------------------------

RECURRENT: list[tuple[str, dict[str, Any], int]] = [
    ("LSTM", {}, 2),
    ("LSTM", {"num_layers": 2, "bidirectional": True}, 2),
    ("LSTM", {"proj_size": 3}, 2),
    ("LSTM", {"bias": False}, 2),
    ("GRU", {}, 3),
    ("GRU", {"num_layers": 3, "bias": False}, 3),
    ("RNN", {}, 1),
    ("RNN", {"bidirectional": True}, 1),
]


def unrolled(layer: nn.Module, x: Tensor) -> tuple[int, int]:
    """Multiply-adds and other operations of products and element-wise operators, a step at a time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a setting for other hardware
        with torch.backends.mkldnn.flags(enabled=False):
            found = profile(layer, x).working
    assert len(found) > 10
    return sum(one.cost.madds for one in found), sum(one.cost.other_ops for one in found)


@pytest.mark.parametrize(("name", "options", "mode"), RECURRENT, ids=str)
def test_recurrent_kernel_costs_what_its_steps_do(name: str, options: dict[str, Any], mode: int) -> None:
    layer, x = getattr(nn, name)(4, 6, **options), meta(5, 2, 4)
    steps = unrolled(layer, x)
    layers, both = options.get("num_layers", 1), options.get("bidirectional", False)
    weights, h = list(layer.parameters()), meta(layers * (1 + both), 2, 6)
    cudnn = by_hand(
        *(aten._cudnn_rnn.default, x, weights, len(weights), None, h, None, mode, 6, options.get("proj_size", 0)),
        *(layers, False, 0.0, False, both, [], None),
        outs=[x],
    )
    packet = {"LSTM": aten.lstm.input, "GRU": aten.gru.input, "RNN": aten.rnn_tanh.input}[name]
    states = [h, h] if name == "LSTM" else h
    whole = by_hand(packet, x, states, weights, layer.bias, layers, 0.0, False, both, False, outs=[x])
    for kernel in (cudnn, whole):
        assert (kernel.cost.madds, kernel.cost.other_ops) == steps


def test_recurrent_kernel_of_onednn_costs_what_its_steps_do() -> None:
    layer, x = nn.LSTM(4, 6, num_layers=2, bidirectional=True), meta(5, 2, 4)
    kernels = [one for one in working(layer, x) if one.operator.target.startswith("aten.mkldnn_rnn_layer")]
    assert len(kernels) == 4
    found = sum(one.cost.madds for one in kernels), sum(one.cost.other_ops for one in kernels)
    assert found == unrolled(layer, x)


def test_weights_in_one_piece_are_read_once() -> None:
    """cuDNN gets them as a list and as the buffer that they are views of."""
    layer, h = nn.GRU(4, 6), meta(1, 2, 6)
    weights = list(layer.parameters())
    size = sum(weight.numel() for weight in weights)
    found = by_hand(
        *(aten._cudnn_rnn.default, meta(5, 2, 4), weights, 4, meta(size), h, None, 3, 6, 0, 1, False, 0.0, False),
        *(False, [], None),
        outs=[h],
    )
    assert found.cost.reads_activation == 5 * 2 * 4 + size + 2 * 6


def test_packed_sequences_cost_their_steps_alone() -> None:
    """Lengths 3, 2 and 1: six steps together, of which three wait for one another."""
    layer = nn.LSTM(4, 6)
    weights, h = list(layer.parameters()), meta(1, 3, 6)
    found = by_hand(aten.lstm.data, meta(6, 4), index(3), [h, h], weights, True, 1, 0.0, False, False, outs=[(6, 6)])
    assert found.cost.madds == 6 * (4 * 6 * 4 + 4 * 6 * 6)
    assert found.steps == 3
    packed = by_hand(
        *(aten._cudnn_rnn.default, meta(6, 4), weights, 4, None, h, h, 2, 6, 0, 1, False, 0.0, False, False, [3, 2, 1]),
        None,
        outs=[(6, 6)],
    )
    assert packed.steps == 3


@pytest.mark.parametrize(("name", "cell"), [("LSTM", aten._thnn_fused_lstm_cell), ("GRU", aten._thnn_fused_gru_cell)])
def test_fused_cell_costs_what_its_parts_do(name: str, cell: Any) -> None:
    """The cell without its two products; biases go into those where the cell is taken apart."""
    gates = {"LSTM": 4, "GRU": 3}[name] * 6
    inputs = meta(2, 4), meta(2, 6)
    arguments = (inputs[0], (inputs[1], inputs[1])) if name == "LSTM" else inputs
    parts = profile(getattr(nn, f"{name}Cell")(4, 6), *arguments)
    fused = by_hand(
        cell.default, meta(2, gates), meta(2, gates), meta(2, 6), meta(gates), meta(gates), outs=[(2, 6), (2, 6)]
    )
    assert fused.cost.other_ops == parts.total.other_ops


# --- torchvision ---------------------------------------------------------------------------------------------------

ROI_ALIGN = (
    "torchvision::roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height,"
    " SymInt pooled_width, int sampling_ratio, bool aligned) -> Tensor"
)
DEFORM = (
    "torchvision::deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, SymInt stride_h,"
    " SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dilation_h, SymInt dilation_w, SymInt groups,"
    " SymInt offset_groups, bool use_mask) -> Tensor"
)
NMS = "torchvision::nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def test_deformable_convolution_samples_each_window() -> None:
    """A convolution 4 → 6, 3 × 3, onto 7 × 7: each of 49 windows of 4 · 9 elements weighs four neighbours."""
    positions = (meta(1, 18, 7, 7), meta(1, 9, 7, 7))
    found = by_hand(
        *(DEFORM, meta(1, 4, 9, 9), meta(6, 4, 3, 3), *positions, meta(6), 1, 1, 0, 0, 1, 1, 1, 1, True),
        outs=[(1, 6, 7, 7)],
        weights=[1, 4],
    )
    assert found.cost.madds == 6 * 49 * 4 * 9
    assert found.cost.other_ops == 6 * 49 + 49 * 36 * (2 * 4 + 1)  # bias; neighbours and mask
    assert access(found) == (4 * 81 + 27 * 49, 6 * 36 + 6, 6 * 49)


def test_deformable_convolution_in_groups_without_a_mask() -> None:
    """6 → 10 channels in two groups, a kernel (3, 5) dilated (1, 2): 11 · 13 → 9 · 5. The empty mask is not read."""
    arguments = meta(2, 6, 11, 13), meta(10, 3, 3, 5), meta(2, 30, 9, 5), meta(2, 1), meta(10)
    found = by_hand(DEFORM, *arguments, *(1, 1, 0, 0), 1, 2, 2, 1, False, outs=[(2, 10, 9, 5)], weights=[1, 4])
    assert found.contraction == Contraction(6, 10, 2 * 11 * 13, 2 * 9 * 5, 2, (3, 5), (1, 2))
    assert (found.kind, found.cost.madds) == ("grouped-conv", 2 * 10 * 9 * 5 * (3 * 3 * 5))
    windows = 2 * 9 * 5 * (6 * 3 * 5)
    assert found.cost.other_ops == 2 * 10 * 9 * 5 + windows * (2 * 4)
    assert access(found)[0] == 2 * 6 * 11 * 13 + 2 * 30 * 9 * 5


def test_roi_align_reads_the_neighbours_of_its_samples_alone() -> None:
    """One box of 2 × 3 cells in five channels, nine samples a cell: 4 · 9 of 6 cells, of an image of 5 · 899."""
    arguments = (meta(1, 5, 29, 31), meta(1, 5), 0.5, 2, 3)
    found = by_hand(ROI_ALIGN, *arguments, 3, False, outs=[(1, 5, 2, 3)])
    assert (found.coverage, found.kind) == ("exact", "pool")
    assert access(found) == (4 * 9 * (5 * 2 * 3) + 5, 0, 5 * 2 * 3)


def test_roi_align_samples_each_cell() -> None:
    """Ten boxes of 7 × 7 cells in eight channels, four samples a cell, each of four neighbours and added up."""
    arguments = (meta(1, 8, 30, 30), meta(10, 5), 0.5, 7, 7)
    found = by_hand(ROI_ALIGN, *arguments, 2, False, outs=[(10, 8, 7, 7)])
    assert found.cost.other_ops == 10 * 8 * 49 * 4 * (2 * 4 + 1)
    assert access(found) == (8 * 900 + 50, 0, 10 * 8 * 49)
    single = by_hand(ROI_ALIGN, *arguments, 1, False, outs=[(10, 8, 7, 7)])
    assert single.cost.other_ops * 4 == found.cost.other_ops
    assert by_hand(ROI_ALIGN, *arguments, 0, False, outs=[(10, 8, 7, 7)]).coverage == "unknown"
    assert by_hand(ROI_ALIGN, *arguments, -1, False, outs=[(10, 8, 7, 7)]).coverage == "unknown"


def test_suppression_compares_each_two_boxes() -> None:
    found = by_hand(NMS, meta(100, 4), meta(100), 0.5, outs=[index(100)])
    assert found.cost.other_ops == 13 * (100 * 99 // 2)


# --- taken apart by torch ------------------------------------------------------------------------------------------


def products(found: list[Costed]) -> int:
    return sum(one.cost.madds for one in found)


@pytest.mark.parametrize(
    ("equation", "shapes", "madds"),
    [
        ("bhqd,bhkd->bhqk", [(2, 4, 5, 8), (2, 4, 7, 8)], 2 * 4 * 5 * 7 * 8),
        ("bqhd,bkhd->bhqk", [(2, 5, 4, 8), (2, 7, 4, 8)], 2 * 4 * 5 * 7 * 8),
        ("bij,jk,bkl->bil", [(2, 3, 4), (4, 5), (2, 5, 6)], 2 * 3 * 4 * 5 + 2 * 3 * 5 * 6),
        ("nctkv,kvw->nctw", [(2, 3, 4, 5, 6), (5, 6, 7)], 2 * 3 * 4 * 7 * 5 * 6),
        ("i,j->ij", [(3,), (4,)], 0),  # an outer product sums nothing: element-wise
        ("ii->i", [(3, 3)], 0),
    ],
)
def test_einsum(equation: str, shapes: list[tuple[int, ...]], madds: int) -> None:
    found = working(lambda *x: torch.einsum(equation, *x), *(meta(*shape) for shape in shapes))
    assert products(found) == madds


def test_bilinear_layer_costs_its_two_products() -> None:
    """y_o = x1ᵀ·A_o·x2: each of 5 matrices (3, 4) with x1 and then with x2, for each of two positions."""
    layer = nn.Bilinear(3, 4, 5, bias=False)
    found = only(working(layer, meta(2, 3), meta(2, 4)), "_trilinear")
    parts = working(
        lambda x, w, y: torch.einsum("boj,bj->bo", torch.einsum("bi,oij->boj", x, w), y),
        *(meta(2, 3), meta(5, 3, 4), meta(2, 4)),
    )
    assert found.cost.madds == products(parts) == 2 * 5 * 3 * 4 + 2 * 5 * 4
    assert access(found) == (2 * 3 + 2 * 4, 5 * 3 * 4, 2 * 5)


def test_fused_convolution_counts_its_epilogue() -> None:
    """6 · 49 results: a bias, a scaled sum (2) and a ReLU each."""
    arguments = (meta(1, 4, 9, 9), meta(6, 4, 3, 3))
    out = (1, 6, 7, 7)
    found = by_hand(
        *(aten.cudnn_convolution_add_relu.default, *arguments, meta(*out), 1.0, meta(6), [1, 1], [0, 0], [1, 1], 1),
        outs=[out],
    )
    assert (found.cost.madds, found.cost.other_ops) == (6 * 49 * 36, 4 * 6 * 49)
    plain = by_hand(
        torch.ops.mkldnn._convolution_pointwise.default,
        *(*arguments, None, [0, 0], [1, 1], [1, 1], 1, "relu", [], None),
        outs=[out],
    )
    assert (plain.cost.madds, plain.cost.other_ops) == (6 * 49 * 36, 6 * 49)

"""Products of few bits and quantised layers, against the float layers and arithmetic by hand."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.costing import by_hand, index, meta, profile

aten = torch.ops.aten


def test_product_of_4_bit_floats_counts_both_in_a_byte() -> None:
    byte = torch.float4_e2m1fn_x2
    found = by_hand(
        *(aten._scaled_mm.default, meta(3, 8, dtype=byte), meta(8, 5, dtype=byte), meta(3, 1), meta(5, 1)),
        outs=[(3, 5)],
    )
    assert found.cost.madds == 3 * 16 * 5
    assert found.cost.other_ops == 3 * 5  # a scale each


def test_integer_product() -> None:
    found = by_hand(aten._int_mm.default, meta(3, 4, dtype=torch.int8), meta(4, 5, dtype=torch.int8), outs=[(3, 5)])
    assert (found.cost.madds, found.cost.other_ops) == (3 * 4 * 5, 0)


@pytest.mark.parametrize(
    ("left", "right", "out", "madds", "read"),
    [
        ((32, 16), (4, 16, 24), (32, 24), 32 * 16 * 24, 4 * 16 * 24),  # rows by expert
        ((2, 16), (8, 16, 24), (2, 24), 2 * 16 * 24, 2 * 16 * 24),  # two tokens reach two of eight experts at most
        ((4, 32, 16), (16, 40), (32, 40), 32 * 16 * 40, 16 * 40),  # columns by expert
        ((32, 64), (64, 24), (4, 32, 24), 32 * 64 * 24, 64 * 24),  # inner dimension in four
        ((4, 32, 16), (4, 16, 24), (4, 32, 24), 4 * 32 * 16 * 24, 4 * 16 * 24),  # a batch
    ],
)
def test_grouped_product(
    left: tuple[int, ...], right: tuple[int, ...], out: tuple[int, ...], madds: int, read: int
) -> None:
    offs = None if len(left) == len(right) == 3 else index(4)
    found = by_hand(aten._grouped_mm.default, meta(*left), meta(*right), offs, outs=[out], weights=[1])
    assert found.cost.madds == madds
    assert found.cost.reads_weight == read
    eight = torch.float8_e4m3fn
    scaled = by_hand(
        *(aten._scaled_grouped_mm.default, meta(*left, dtype=eight), meta(*right, dtype=eight), meta(1), meta(1), offs),
        outs=[out],
    )
    assert (scaled.cost.madds, scaled.cost.other_ops) == (madds, torch.Size(out).numel())


def test_weights_of_eight_and_four_bits() -> None:
    x, scales = meta(3, 64), meta(32)
    eight = by_hand(
        aten._weight_int8pack_mm.default, x, meta(32, 64, dtype=torch.int8), scales, outs=[(3, 32)], weights=[1]
    )
    packed = meta(4, 2, 32, 1, dtype=torch.int32)  # 32 · 64 of four bits, eight in each
    four = by_hand(aten._weight_int4pack_mm.default, x, packed, 32, meta(2, 32, 2), outs=[(3, 32)], weights=[1])
    assert eight.cost.madds == four.cost.madds == 3 * 64 * 32
    assert eight.cost.reads_weight == 32 * 64
    assert four.cost.mac_bytes == 4 * (3 * 64) + 32 * 64 // 2 + 4 * 2 * 32 * 2 + 4 * 3 * 32


def dynamic(layer: nn.Module) -> nn.Module:
    """With weights of eight bits, by torch itself."""
    before = torch.backends.quantized.engine
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that torchao will do this in time to come
        torch.backends.quantized.engine = "onednn"
        try:
            found = torch.ao.quantization.quantize_dynamic(nn.Sequential(layer), {type(layer)}, dtype=torch.qint8)
        finally:
            torch.backends.quantized.engine = before
    assert type(found[0]) is not type(layer)
    return found


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: nn.Linear(8, 16), (3, 8)),
        (lambda: nn.LSTM(8, 16, num_layers=2), (5, 3, 8)),
        (lambda: nn.GRU(8, 16, bidirectional=True), (5, 3, 8)),
        (lambda: nn.LSTMCell(8, 16), (3, 8)),
        (lambda: nn.GRUCell(8, 16), (3, 8)),
        (lambda: nn.RNNCell(8, 16), (3, 8)),
    ],
    ids=["Linear", "LSTM", "GRU", "LSTMCell", "GRUCell", "RNNCell"],
)
def test_quantised_layer_does_the_products_of_the_layer(layer: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    plain, packed = profile(layer(), meta(*shape)), profile(dynamic(layer()), meta(*shape))
    assert packed.coverage["unknown"] == ()
    assert packed.total.madds == plain.total.madds
    (kernel,) = (one for one in packed.working if one.cost.madds)
    matrices = [parameter.numel() for parameter in layer().parameters() if parameter.dim() == 2]
    biases = [parameter.numel() for parameter in layer().parameters() if parameter.dim() == 1]
    assert kernel.cost.reads_weight == sum(matrices) + sum(biases)
    states = kernel.cost.mac_bytes - sum(matrices) - 4 * sum(biases)
    assert states == 4 * (kernel.cost.reads_activation + kernel.cost.writes)  # a weight is a byte


class Small(nn.Module):
    """One of each layer that torch quantises with what it saw go by."""

    def __init__(self) -> None:
        super().__init__()
        self.quantize, self.dequantize = torch.ao.quantization.QuantStub(), torch.ao.quantization.DeQuantStub()
        self.conv, self.upwards = nn.Conv2d(3, 8, 3), nn.ConvTranspose2d(8, 8, 2, groups=2)
        self.sequence, self.head = nn.Conv1d(8, 8, 3, groups=2), nn.Linear(8, 4)
        self.activation, self.pool, self.norm = nn.Hardswish(), nn.MaxPool2d(2), nn.LayerNorm(8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.activation(self.conv(self.quantize(x))))
        x = self.sequence(self.upwards(x).flatten(2)).mean(2)
        return self.dequantize(self.head(self.norm(x)).sigmoid())


def test_network_of_quantised_layers_does_the_products_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs on real tensors alone; weights and activations are bytes."""
    monkeypatch.setattr(torch.backends.quantized, "engine", "onednn")
    model, x = Small().eval(), torch.randn(1, 3, 12, 12)
    plain = profile(Small(), x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        of_all = torch.ao.quantization.default_weight_observer  # transposed layers take no scale a channel
        model.qconfig = torch.ao.quantization.get_default_qconfig("onednn")
        model.upwards.qconfig = torch.ao.quantization.QConfig(model.qconfig.activation, of_all)
        torch.ao.quantization.prepare(model, inplace=True)(x)
        torch.ao.quantization.convert(model, inplace=True)
        found = profile(model, x)
    assert found.coverage["unknown"] == ()
    assert found.total.madds == plain.total.madds
    assert [one.kind for one in found.working if one.cost.madds] == ["conv", "grouped-conv", "grouped-conv", "matmul"]
    first = next(one for one in found.working if one.cost.madds)
    assert first.cost.mac_bytes == 3 * 144 + 8 * 27 + 4 * 8 + 8 * 100


CONV2D = torch.ops.quantized.conv2d.new


@pytest.mark.parametrize(
    ("overload", "weight", "x", "out", "madds", "kind"),
    [
        (CONV2D, (6, 4, 3, 3), (2, 4, 9, 9), (2, 6, 7, 7), 2 * 6 * 49 * 4 * 9, "conv"),
        (CONV2D, (6, 2, 3, 3), (2, 4, 9, 9), (2, 6, 7, 7), 2 * 6 * 49 * 2 * 9, "grouped-conv"),
        (CONV2D, (4, 1, 3, 3), (2, 4, 9, 9), (2, 4, 7, 7), 2 * 4 * 49 * 9, "depthwise-conv"),
        # torch packs a kernel of 3 as 1 × 3
        (torch.ops.quantized.conv1d.default, (6, 2, 1, 3), (2, 4, 9), (2, 6, 7), 2 * 6 * 7 * 2 * 3, "grouped-conv"),
        (
            *(torch.ops.quantized.conv_transpose2d.default, (4, 3, 2, 2), (2, 4, 3, 3), (2, 6, 6, 6)),
            *(2 * 4 * 9 * 3 * 4, "grouped-conv"),
        ),
    ],
    ids=["conv", "grouped", "depthwise", "1d", "transposed"],
)
def test_quantised_convolution(
    overload: Any, weight: tuple[int, ...], x: tuple[int, ...], out: tuple[int, ...], madds: int, kind: str
) -> None:
    packed = (meta(*weight, dtype=torch.int8), meta(6))
    found = by_hand(overload, meta(*x, dtype=torch.int8), packed, 0.1, 0, outs=[meta(*out, dtype=torch.int8)])
    assert (found.cost.madds, found.kind) == (madds, kind)
    hidden = ()  # a packed weight that does not tell
    assert by_hand(overload, meta(*x), hidden, 0.1, 0, outs=[out]).coverage == "unknown"


def test_operators_between_integers_convert_what_goes_in_and_what_comes_out() -> None:
    """Two sums of twelve: back (2) for both, the sum and a ReLU, there (5). A norm's weights are floats already."""
    x = meta(3, 4, dtype=torch.int8)
    added = by_hand(torch.ops.quantized.add_relu.default, x, x, 0.1, 0, outs=[x])
    assert (added.cost.other_ops, added.kind) == (2 * 2 * 12 + 2 * 12 + 5 * 12, "elementwise")
    joined = by_hand(torch.ops.quantized.cat.default, [x, x], 0, 0.1, 0, outs=[meta(6, 4, dtype=torch.int8)])
    assert (joined.cost.other_ops, joined.kind) == (2 * 24 + 5 * 24, "data-movement")
    norm = by_hand(torch.ops.quantized.layer_norm.default, x, [4], meta(4), meta(4), 1e-5, 0.1, 0, outs=[x])
    assert (norm.cost.other_ops, norm.kind) == ((2 + 7 + 5) * 12, "norm")


def test_conversion_to_integers_and_back() -> None:
    """Quotient, rounding, offset, two limits; difference, product."""
    there = by_hand(aten.quantize_per_tensor.default, meta(3, 4), 0.1, 0, None, outs=[meta(3, 4, dtype=torch.int8)])
    back = by_hand(aten.dequantize.self, meta(3, 4, dtype=torch.int8), outs=[(3, 4)])
    assert (there.cost.other_ops, back.cost.other_ops) == (12 * 5, 12 * 2)
    assert there.cost.mac_bytes == back.cost.mac_bytes == 12 * 4 + 12

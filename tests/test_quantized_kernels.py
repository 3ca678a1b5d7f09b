"""Kernels on integers in every form: layers, conversions, element-wise operators, against arithmetic by hand.

To an integer: quotient, rounding, offset, two limits; back: difference, product.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.ao.quantization.fx._decomposed  # declares quantized_decomposed
from torch import Tensor

from mac_audit.cost import Contraction
from tests.costing import access, by_hand, index, meta

aten, quantized, onednn = torch.ops.aten, torch.ops.quantized, torch.ops.onednn
decomposed = torch.ops.quantized_decomposed
TO, BACK = 5, 2


def integers(*shape: int) -> Tensor:
    return meta(*shape, dtype=torch.int8)


# --- linear layers: six positions of 5 onto 7 ----------------------------------------------------------------------

x, matrix, bias = integers(2, 3, 5), integers(7, 5), meta(7)
packed = (matrix, bias)
scale, zero = (0.1, 0), (meta(1), index(1))  # as numbers, and as tensors
RESULTS = 2 * 3 * 7
there = (0.1, 0, torch.int8)  # how a result becomes an integer
relu, add = ("relu", [], "none"), (0.1, 0, "add", 1.0, "none", [], "none")
# (overload, arguments, which is the weight, scalar operations an element)
LINEAR: list[tuple[Any, tuple[Any, ...], int, int]] = [
    (quantized.linear.default, (x, packed, 0.1, 0), 1, 1 + TO),
    (quantized.linear_relu.default, (x, packed, 0.1, 0), 1, 1 + TO),
    (quantized.linear_dynamic.default, (x, packed), 1, 1 + TO),
    (quantized.linear_tanh.default, (x, packed, 0.1, 0), 1, 1 + TO),
    (torch.ops._quantized.linear.default, (x, packed, 0.1, 0), 1, 1 + TO),
    (onednn.qlinear_pointwise.default, (x, *scale, matrix, *zero, None, *there, *relu), 3, TO),
    (onednn.qlinear_pointwise.default, (x, *scale, matrix, *zero, bias, *there, *relu), 3, 1 + TO),
    (onednn.qlinear_pointwise.tensor, (x, *zero, matrix, *zero, bias, *there, *relu), 3, 1 + TO),
    (onednn.qlinear_pointwise.binary, (x, *scale, matrix, *zero, meta(2, 3, 7), None, *there, *add), 3, 1 + TO),
    (onednn.qlinear_pointwise.binary, (x, *scale, matrix, *zero, meta(2, 3, 7), bias, *there, *add), 3, 1 + 1 + TO),
    (onednn.linear_dynamic_fp16.default, (meta(2, 3, 5), matrix, bias), 1, 1),
    (onednn.linear_relu_dynamic_fp16.default, (meta(2, 3, 5), matrix, None), 1, 0),
    (aten._weight_int8pack_mm.default, (meta(2, 3, 5), matrix, meta(7)), 1, 1),  # a scale for each
]


@pytest.mark.parametrize(
    ("overload", "arguments", "weight", "operations"), LINEAR, ids=[str(overload) for overload, *_ in LINEAR]
)
def test_linear_layer_of_integers(overload: Any, arguments: tuple[Any, ...], weight: int, operations: int) -> None:
    found = by_hand(overload, *arguments, outs=[(2, 3, 7)], weights=[weight])
    assert (found.coverage, found.kind) == ("exact", "matmul")
    assert (found.cost.madds, found.cost.other_ops) == (2 * 3 * 5 * 7, operations * RESULTS)
    assert found.contraction == Contraction(5, 7, 2 * 3, 2 * 3)


@pytest.mark.parametrize("hidden", [(), (None,), (None, bias)])
def test_packed_weight_that_does_not_tell_is_unknown(hidden: tuple[Tensor | None, ...]) -> None:
    for found in (
        by_hand(quantized.linear.default, x, hidden, 0.1, 0, outs=[(2, 3, 7)]),
        by_hand(quantized.conv2d.new, integers(2, 3, 5, 7), hidden, 0.1, 0, outs=[(2, 3, 5, 7)]),
        by_hand(quantized.embedding_byte.default, hidden, index(7), outs=[(7, 5)]),
    ):
        assert (found.coverage, found.cost.other_ops) == ("unknown", 0)


few = meta(7, 1, dtype=torch.int32)  # of four bits, packed
FEW: list[tuple[Any, tuple[Any, ...]]] = [
    (aten._weight_int4pack_mm.default, (few, 32, meta(1, 7, 2))),
    (aten._weight_int4pack_mm_for_cpu.default, (few, 32, meta(1, 7, 2))),
    (aten._weight_int4pack_mm_with_scales_and_zeros.default, (few, 32, meta(1, 7), meta(1, 7))),
    (aten._dyn_quant_matmul_4bit.default, (few, 32, 5, 7)),
    (aten._mixed_dtypes_linear.default, (few, meta(7))),
]


@pytest.mark.parametrize(("overload", "arguments"), FEW, ids=[str(overload) for overload, _ in FEW])
def test_each_weight_of_four_bits_is_converted_once(overload: Any, arguments: tuple[Any, ...]) -> None:
    found = by_hand(overload, meta(2, 3, 5), *arguments, outs=[(2, 3, 7)], weights=[1])
    assert (found.coverage, found.kind) == ("exact", "matmul")
    assert (found.cost.madds, found.cost.other_ops) == (2 * 3 * 5 * 7, BACK * 5 * 7)
    assert found.contraction == Contraction(5, 7, 2 * 3, 2 * 3)


def test_product_of_integers() -> None:
    found = by_hand(quantized.matmul.default, integers(2, 3, 5), integers(2, 5, 7), 0.1, 0, outs=[(2, 3, 7)])
    assert (found.kind, found.cost.madds, found.cost.other_ops) == ("matmul", 2 * 3 * 5 * 7, TO * 2 * 3 * 7)


# --- convolutions --------------------------------------------------------------------------------------------------

# (2, 6, 11, 13), two groups, a kernel (3, 5), onto 10 channels of 9 × 9; in one dimension 11 and 3 to 9; in three
# dimensions 4, 11, 13 and 2, 3, 5 to 3, 9, 9.
plane, line, space = integers(2, 6, 11, 13), integers(2, 6, 11), integers(2, 6, 4, 11, 13)
kernel, short, solid = integers(10, 3, 3, 5), integers(10, 3, 1, 3), integers(10, 3, 2, 3, 5)
PLANE = Contraction(6, 10, 2 * 11 * 13, 2 * 9 * 9, 2, (3, 5))
LINE = Contraction(6, 10, 2 * 11, 2 * 9, 2, (3,))
SPACE = Contraction(6, 10, 2 * 4 * 11 * 13, 2 * 3 * 9 * 9, 2, (2, 3, 5))
BACK_LINE = Contraction(6, 10, 2 * 11, 2 * 13, 2, (3,), transposed=True)
BACK_PLANE = Contraction(6, 10, 2 * 11 * 13, 2 * 13 * 17, 2, (3, 5), transposed=True)
DILATED = Contraction(6, 10, 2 * 11 * 13, 2 * 9 * 5, 2, (3, 5), (1, 2))  # 13 - 4 · 2 columns
c = meta(10)
geometry = ([1, 1], [0, 0], [1, 1], 2)  # stride, padding, dilation, groups
dilated = ([1, 1], [0, 0], [1, 2], 2)
attribute, onto = ("relu", [], None), (0.1, 0, "sum", 1.0, "relu", [], None)
CONVOLUTIONS: list[tuple[Any, tuple[Any, ...], int, tuple[int, ...], int, Contraction]] = [
    (quantized.conv2d.new, (plane, (kernel, c), 0.1, 0), 1, (2, 10, 9, 9), 1 + TO, PLANE),
    (quantized.conv2d.default, (plane, (kernel, c), *geometry, 0.1, 0), 1, (2, 10, 9, 9), 1 + TO, PLANE),
    (quantized.conv2d_relu.new, (plane, (kernel, c), 0.1, 0), 1, (2, 10, 9, 9), 1 + TO, PLANE),
    (quantized.conv2d_dynamic.default, (plane, (kernel, c)), 1, (2, 10, 9, 9), 1 + TO, PLANE),
    (torch.ops._quantized.conv2d.default, (plane, (kernel, c), 0.1, 0), 1, (2, 10, 9, 9), 1 + TO, PLANE),
    (quantized.conv1d.default, (line, (short, c), 0.1, 0), 1, (2, 10, 9), 1 + TO, LINE),
    (quantized.conv3d.new, (space, (solid, c), 0.1, 0), 1, (2, 10, 3, 9, 9), 1 + TO, SPACE),
    (
        *(quantized.conv_transpose1d.default, (line, (integers(6, 5, 1, 3), c), 0.1, 0), 1, (2, 10, 13)),
        *(1 + TO, BACK_LINE),
    ),
    (
        *(quantized.conv_transpose2d.default, (plane, (integers(6, 5, 3, 5), c), 0.1, 0), 1, (2, 10, 13, 17)),
        *(1 + TO, BACK_PLANE),
    ),
    (
        torch.ops._quantized.conv_transpose2d.default,
        *((plane, (integers(6, 5, 3, 5), c), 0.1, 0), 1, (2, 10, 13, 17), 1 + TO, BACK_PLANE),
    ),
    (
        onednn.qconv_pointwise.default,
        *((plane, *scale, kernel, *zero, None, *dilated, *there, *attribute), 3, (2, 10, 9, 5), TO, DILATED),
    ),
    (
        onednn.qconv2d_pointwise.default,
        *((plane, *scale, kernel, *zero, c, *dilated, *there, *attribute), 3, (2, 10, 9, 5), 1 + TO, DILATED),
    ),
    (
        onednn.qconv2d_pointwise.binary,
        (plane, *scale, kernel, *zero, integers(2, 10, 9, 5), None, *dilated, *there, *onto),
        *(3, (2, 10, 9, 5), 1 + TO, DILATED),
    ),
    (
        onednn.qconv2d_pointwise.binary,
        (plane, *scale, kernel, *zero, integers(2, 10, 9, 5), c, *dilated, *there, *onto),
        *(3, (2, 10, 9, 5), 1 + 1 + TO, DILATED),
    ),
]


@pytest.mark.parametrize(
    ("overload", "arguments", "weight", "result", "operations", "shape"),
    CONVOLUTIONS,
    ids=[str(overload) for overload, *_ in CONVOLUTIONS],
)
def test_convolution_of_integers(
    overload: Any, arguments: tuple[Any, ...], weight: int, result: tuple[int, ...], operations: int, shape: Contraction
) -> None:
    found = by_hand(overload, *arguments, outs=[integers(*result)], weights=[weight])
    assert (found.coverage, found.kind, found.contraction) == ("exact", "grouped-conv", shape)
    positions = shape.positions_in * 6 * 5 if shape.transposed else shape.positions_out * 10 * 3
    assert found.cost.madds == positions * torch.Size(shape.kernel).numel()
    assert found.cost.other_ops == operations * torch.Size(result).numel()


# --- between integers ----------------------------------------------------------------------------------------------

N = 2 * 3 * 5
half = meta(5)  # floats are not converted
norm = (meta(3), meta(3), meta(3), meta(3), 1e-5)
statistics = (3 + 2 + 2) * N
BETWEEN: list[tuple[str, Any, tuple[Any, ...], int]] = [  # (class, overload, arguments, operations)
    ("elementwise", quantized.dropout.default, (x, 0.1, 0), (BACK + TO) * N),
    ("elementwise", quantized.add.default, (x, x, 0.1, 0), (2 * BACK + 1 + TO) * N),
    ("elementwise", quantized.mul.default, (x, integers(5), 0.1, 0), BACK * (N + 5) + (1 + TO) * N),
    ("elementwise", quantized.relu6.default, (x,), (BACK + 1 + TO) * N),
    ("elementwise", quantized.add_relu.default, (x, x, 0.1, 0), (2 * BACK + 2 + TO) * N),
    ("elementwise", quantized.leaky_relu.default, (x, 0.01, False, 0.1, 0), (BACK + 2 + TO) * N),
    ("elementwise", quantized.prelu.default, (x, half, 0.1, 0), (BACK + 2 + TO) * N),
    ("elementwise", quantized.elu.default, (x, 0.1, 0), (BACK + 3 + TO) * N),  # exp, difference, product
    ("elementwise", quantized.sigmoid.default, (x, 0.1, 0), (BACK + 4 + TO) * N),  # sign, exp, sum, quotient
    ("elementwise", quantized.celu.default, (x, 0.1, 0), (BACK + 4 + TO) * N),
    ("elementwise", quantized.hardswish.default, (x, 0.1, 0), (BACK + 5 + TO) * N),
    ("elementwise", onednn.qadd.tensor, (x, *scale, x, *scale, *there), (2 * BACK + 1 + TO) * N),
    ("elementwise", onednn.qmul.tensor, (x, *scale, x, *scale, *there), (2 * BACK + 1 + TO) * N),
    ("elementwise", onednn.qadd_relu.tensor, (x, *scale, x, *scale, *there), (2 * BACK + 2 + TO) * N),
    ("data-movement", quantized.cat.default, ([x], 0, 0.1, 0), (BACK + TO) * N),
    ("data-movement", quantized.cat_relu.default, ([x], 0, 0.1, 0), (BACK + 1 + TO) * N),
    ("norm", quantized.softmax.default, (x, -1, 0.1, 0), (BACK + 5 + TO) * N),
    ("norm", quantized.layer_norm.default, (x, [5], half, half, 1e-5, 0.1, 0), (BACK + TO) * N + statistics),
    ("norm", quantized.group_norm.default, (x, 3, meta(3), meta(3), 1e-5, 0.1, 0), (BACK + TO) * N + statistics),
    ("norm", quantized.instance_norm.default, (x, meta(3), meta(3), 1e-5, 0.1, 0), (BACK + TO) * N + statistics),
    # with given statistics difference and scale, and two more
    ("norm", quantized.batch_norm1d.default, (x, *norm, 0.1, 0), (BACK + 4 + TO) * N),
    ("norm", quantized.batch_norm_relu.default, (x, *norm, 0.1, 0), (BACK + 4 + TO) * N),
    ("norm", onednn.qbatch_norm2d.default, (x, *scale, *norm, *there), (BACK + 4 + TO) * N),
    ("norm", aten.quantized_batch_norm.default, (x, *norm, 0.1, 0), (BACK + 4 + TO) * N),
    ("elementwise", aten.quantize_per_tensor.default, (meta(2, 3, 5), 0.1, 0, torch.qint8), TO * N),
    ("elementwise", aten.quantize_per_channel.default, (meta(2, 3, 5), half, half, 2, torch.qint8), TO * N),
    ("elementwise", decomposed.quantize_per_tensor.default, (meta(2, 3, 5), 0.1, 0, -128, 127, torch.int8), TO * N),
    ("elementwise", aten.dequantize.self, (x,), BACK * N),
    ("elementwise", decomposed.dequantize_per_tensor.default, (x, 0.1, 0, -128, 127, torch.int8), BACK * N),
    ("elementwise", aten.fake_quantize_per_tensor_affine_cachemask.default, (x, 0.1, 0, 0, 255), (TO + BACK) * N),
    ("reduction", decomposed.choose_qparams.tensor, (x, -128, 127, 1e-5, torch.int8), 2 * N),  # smallest, largest
    ("data-movement", aten.int_repr.default, (x,), 0),
    ("data-movement", aten._make_per_tensor_quantized_tensor.default, (x, 0.1, 0), 0),
    ("data-movement", decomposed.convert_element_type.no_fuse, (x, torch.int8), 0),
]


@pytest.mark.parametrize(
    ("kind", "overload", "arguments", "operations"), BETWEEN, ids=[str(overload) for _, overload, *_ in BETWEEN]
)
def test_operator_between_integers(kind: str, overload: Any, arguments: tuple[Any, ...], operations: int) -> None:
    found = by_hand(overload, *arguments, outs=[x])
    assert (found.coverage, found.kind) == ("exact", kind)
    assert (found.cost.madds, found.cost.other_ops) == (0, operations)


@pytest.mark.parametrize("rows", [13, 3])
@pytest.mark.parametrize("name", ["byte", "4bit"])
def test_embedding_converts_the_rows_that_it_reads(name: str, rows: int) -> None:
    """Seven rows of five; a bag adds them up, into three. A table of three rows is read once at the most."""
    table, indices = integers(rows, 5), index(7)
    read = min(7, rows) * 5
    alone = by_hand(getattr(quantized, f"embedding_{name}").default, (table,), indices, outs=[(7, 5)], weights=[0])
    bag = by_hand(
        getattr(quantized, f"embedding_bag_{name}").default, (table,), indices, index(3), outs=[(3, 5)], weights=[0]
    )
    assert (alone.kind, alone.cost.other_ops, access(alone)) == ("data-movement", BACK * 7 * 5, (7, read, 7 * 5))
    assert (bag.kind, bag.cost.other_ops, access(bag)) == (
        *("data-movement", (BACK + 1) * 7 * 5),
        (7 + 3, read, 3 * 5),
    )

"""Products and convolutions of every backend: work and geometry, against arithmetic by hand.

Sizes are different primes wherever an operator allows it, so that one that stands in another's place is noticed.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from mac_audit.cost import Contraction
from tests.costing import access, by_hand, meta, working

aten, mkldnn = torch.ops.aten, torch.ops.mkldnn
eight = torch.float8_e4m3fn

# --- convolution ---------------------------------------------------------------------------------------------------

# (2, 6, 11, 13), in two groups with a kernel (3, 5), dilated (1, 2), of stride 2: rows (11 - 3)/2 + 1 = 5, columns
# (13 - 9)/2 + 1 = 3. Each of the results adds up 3 · 3 · 5 elements.
IMAGE, WEIGHT, RESULT = meta(2, 6, 11, 13), meta(10, 3, 3, 5), (2, 10, 5, 3)
SIZE, GATHERED = 2 * 10 * 5 * 3, 3 * 3 * 5
FORWARD = Contraction(6, 10, 2 * 11 * 13, 2 * 5 * 3, 2, (3, 5), (1, 2), weighted=True)
# Transposed: (2, 6, 5, 3) spread over (2, 10, 11, 13), each element over 5 · 3 · 5.
SMALL, SPREAD, LARGE = meta(2, 6, 5, 3), meta(6, 5, 3, 5), (2, 10, 11, 13)
BACKWARD = Contraction(6, 10, 2 * 5 * 3, 2 * 11 * 13, 2, (3, 5), (1, 2), transposed=True, weighted=True)
bias, geometry = meta(10), ([2, 2], [0, 0], [1, 2])  # stride, padding, dilation
CONVOLUTIONS: dict[str, tuple[Any, tuple[Any, ...], int]] = {  # (overload, arguments, operations an element)
    "with a bias": (aten.convolution.default, (IMAGE, WEIGHT, bias, *geometry, False, [0, 0], 2), 1),
    "without": (aten.convolution_overrideable.default, (IMAGE, WEIGHT, None, *geometry, False, [0, 0], 2), 0),
    "cudnn": (aten.cudnn_convolution.default, (IMAGE, WEIGHT, [0, 0], [2, 2], [1, 2], 2, False, False, False), 0),
    "mkldnn": (aten.mkldnn_convolution.default, (IMAGE, WEIGHT, bias, [0, 0], [2, 2], [1, 2], 2), 1),
    "mps": (aten._mps_convolution.default, (IMAGE, WEIGHT, None, [0, 0], [2, 2], [1, 2], 2), 0),
    "groups not told": (aten._conv_depthwise2d.default, (IMAGE, WEIGHT, [3, 5], bias, *geometry), 1),
    "relu": (aten.cudnn_convolution_relu.default, (IMAGE, WEIGHT, None, *geometry, 2), 1),
    "bias, relu": (aten.miopen_convolution_relu.default, (IMAGE, WEIGHT, bias, *geometry, 2), 1 + 1),
    "scaled sum, relu": (
        *(aten.cudnn_convolution_add_relu.default, (IMAGE, WEIGHT, meta(*RESULT), 1.0, None, *geometry, 2)),
        2 + 1,
    ),
    "scaled sum, bias, relu": (
        *(aten.miopen_convolution_add_relu.default, (IMAGE, WEIGHT, meta(*RESULT), 1.0, bias, *geometry, 2)),
        2 + 1 + 1,
    ),
    "epilogue: nothing": (
        mkldnn._convolution_pointwise.default,
        *((IMAGE, WEIGHT, None, [0, 0], [2, 2], [1, 2], 2, "none", [], None), 0),
    ),
    "epilogue: bias, relu": (
        mkldnn._convolution_pointwise.default,
        *((IMAGE, WEIGHT, bias, [0, 0], [2, 2], [1, 2], 2, "relu", [], None), 1 + 1),
    ),
    "epilogue: bias, sum, relu": (
        mkldnn._convolution_pointwise.binary,
        (IMAGE, meta(*RESULT), WEIGHT, bias, [0, 0], [2, 2], [1, 2], 2, "add", 1.0, "relu", [], None),
        1 + 1 + 1,
    ),
    "epilogue: sum": (
        mkldnn._convolution_pointwise.binary,
        (IMAGE, meta(*RESULT), WEIGHT, None, [0, 0], [2, 2], [1, 2], 2, "add", 1.0, None, [], None),
        1,
    ),
    "transposed": (aten.convolution.default, (SMALL, SPREAD, bias, *geometry, True, [0, 0], 2), 1),
    "transposed, cudnn": (
        aten.cudnn_convolution_transpose.default,
        *((SMALL, SPREAD, [0, 0], [0, 0], [2, 2], [1, 2], 2, False, False, False), 0),
    ),
    "transposed, groups not told": (
        *(aten.slow_conv_transpose2d.default, (SMALL, SPREAD, [3, 5], bias, [2, 2], [0, 0], [0, 0], [1, 2])),
        1,
    ),
    "transposed, epilogue: bias, relu": (
        mkldnn._convolution_transpose_pointwise.default,
        *((SMALL, SPREAD, bias, [0, 0], [0, 0], [2, 2], [1, 2], 2, "relu", [], None), 1 + 1),
    ),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution_of_a_backend(name: str) -> None:
    overload, arguments, operations = CONVOLUTIONS[name]
    transposed = name.startswith("transposed")
    weight = next(i for i, argument in enumerate(arguments) if argument is WEIGHT or argument is SPREAD)
    found = by_hand(overload, *arguments, outs=[LARGE if transposed else RESULT], weights=[weight])
    results = torch.Size(LARGE).numel() if transposed else SIZE
    assert found.kind == "grouped-conv"
    assert found.contraction == (BACKWARD if transposed else FORWARD)
    assert found.cost.madds == ((2 * 6 * 5 * 3) * (5 * 3 * 5) if transposed else SIZE * GATHERED)
    assert found.cost.other_ops == operations * results


def test_convolution_over_time_first() -> None:
    """(time, batch, c_in) = (11, 2, 3) and a kernel of 5 onto 7 channels; 11 - 4 steps; a bias."""
    found = by_hand(aten.conv_tbc.default, meta(11, 2, 3), meta(5, 3, 7), meta(7), outs=[(7, 2, 7)], weights=[1])
    assert found.contraction == Contraction(3, 7, 11 * 2, 7 * 2, kernel=(5,), weighted=True)
    assert (found.kind, found.cost.madds, found.cost.other_ops) == ("conv", 7 * 2 * 7 * 3 * 5, 7 * 2 * 7)


# --- products ------------------------------------------------------------------------------------------------------

# 3 rows of 5 onto 7 columns; a batch of 2.
x, w, b = meta(3, 5), meta(5, 7), meta(7)
X, W, Y = meta(2, 3, 5), meta(2, 5, 7), meta(2, 3, 7)
flat = Contraction(5, 7, 3, 3)
between = Contraction(5, 7, 3, 3, weighted=False)
batched = Contraction(2 * 5, 2 * 7, 3, 3, groups=2, weighted=False)
rows = Contraction(5, 7, 2 * 3, 2 * 3)
LAYER = meta(7, 5)  # (c_out, c_in)
low, right_low = meta(3, 5, dtype=eight), meta(5, 7, dtype=eight)
byte, right_byte = meta(3, 5, dtype=torch.int8), meta(5, 7, dtype=torch.int8)
scale = meta(1)
gelu = 5
# (overload, arguments, which are weights, result, multiply-adds, other operations, geometry)
PRODUCTS: dict[str, tuple[Any, tuple[Any, ...], list[int], tuple[int, ...], int, int, Contraction | None]] = {
    "mm": (aten.mm.default, (x, w), [1], (3, 7), 3 * 5 * 7, 0, flat),
    "mm of activations": (aten.mm.default, (x, w), [], (3, 7), 3 * 5 * 7, 0, between),
    "mm of weights": (aten.mm.default, (x, w), [0, 1], (3, 7), 3 * 5 * 7, 0, flat),
    # the weight to the left has three channels for its rows, and 7 positions
    "mm, weight left": (aten.mm.default, (x, w), [0], (3, 7), 3 * 5 * 7, 0, Contraction(5, 3, 7, 7)),
    "bmm": (aten.bmm.default, (X, W), [], (2, 3, 7), 2 * 3 * 5 * 7, 0, batched),
    "empty batch": (
        *(aten.bmm.default, (meta(0, 3, 5), meta(0, 5, 7)), [], (0, 3, 7), 0, 0),
        Contraction(5, 7, 3, 3, weighted=False),
    ),
    "addmm": (aten.addmm.default, (b, x, w), [0, 2], (3, 7), 3 * 5 * 7, 3 * 7, flat),
    "baddbmm": (aten.baddbmm.default, (Y, X, W), [], (2, 3, 7), 2 * 3 * 5 * 7, 2 * 3 * 7, batched),
    "addmm, relu": (aten._addmm_activation.default, (b, x, w), [0, 2], (3, 7), 3 * 5 * 7, 3 * 7 * (1 + 1), flat),
    "mv": (aten.mv.default, (x, meta(5)), [0], (3,), 3 * 5, 0, Contraction(5, 3, 1, 1)),
    "mv, weight right": (aten.mv.default, (x, meta(5)), [1], (3,), 3 * 5, 0, Contraction(5, 3, 1, 1)),
    "mv of activations": (aten.mv.default, (x, meta(5)), [], (3,), 3 * 5, 0, Contraction(5, 3, 1, 1, weighted=False)),
    "addmv": (aten.addmv.default, (meta(3), x, meta(5)), [1], (3,), 3 * 5, 3, Contraction(5, 3, 1, 1)),
    "dot": (aten.dot.default, (meta(5), meta(5)), [], (), 5, 0, None),
    "addr": (aten.addr.default, (x, meta(3), meta(5)), [], (3, 5), 3 * 5, 3 * 5, None),
    "linear": (aten.linear.default, (X, LAYER, b), [1, 2], (2, 3, 7), 2 * 3 * 5 * 7, 2 * 3 * 7, rows),
    "linear, no bias": (aten.mkldnn_linear.default, (X, LAYER), [1], (2, 3, 7), 2 * 3 * 5 * 7, 0, rows),
    "epilogue: nothing": (
        *(mkldnn._linear_pointwise.default, (X, LAYER, None, "none", [], None), [1], (2, 3, 7)),
        *(2 * 3 * 5 * 7, 0, rows),
    ),
    "epilogue: gelu": (
        *(mkldnn._linear_pointwise.default, (X, LAYER, None, "gelu", [], "none"), [1], (2, 3, 7)),
        *(2 * 3 * 5 * 7, 2 * 3 * 7, rows),
    ),
    "epilogue: bias, relu": (
        *(mkldnn._linear_pointwise.default, (X, LAYER, b, "relu", [], None), [1], (2, 3, 7)),
        *(2 * 3 * 5 * 7, 2 * 3 * 7 * (1 + 1), rows),
    ),
    "epilogue: sum": (
        *(mkldnn._linear_pointwise.binary, (X, Y, LAYER, None, "add"), [2], (2, 3, 7)),
        *(2 * 3 * 5 * 7, 2 * 3 * 7, rows),
    ),
    "mkl": (
        *(torch.ops.mkl._mkl_linear.default, (X, LAYER, meta(7, 5), b, 6), [1, 2, 3], (2, 3, 7)),
        *(2 * 3 * 5 * 7, 2 * 3 * 7, rows),
    ),
    "int8": (aten._int_mm.default, (byte, right_byte), [1], (3, 7), 3 * 5 * 7, 0, flat),
    "float8": (aten._scaled_mm.default, (low, right_low, scale, scale), [1], (3, 7), 3 * 5 * 7, 3 * 7, flat),
    "float8, bias": (
        *(aten._scaled_mm.default, (low, right_low, scale, scale, b), [1, 4], (3, 7)),
        *(3 * 5 * 7, 3 * 7 * (1 + 1), flat),
    ),
    "two products": (
        *(torch.ops.inductor._mm_plus_mm.default, (x, w, meta(3, 11), meta(11, 7), meta(3, 7)), [], (3, 7)),
        *(3 * 5 * 7 + 3 * 11 * 7, 3 * 7, None),
    ),
    "grouped, bias": (
        *(aten._grouped_mm.default, (X, W, None, meta(2, 7)), [1, 3], (2, 3, 7)),
        *(2 * 3 * 5 * 7, 2 * 3 * 7, None),
    ),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_product_of_a_backend(name: str) -> None:
    overload, arguments, weights, result, madds, operations, geometry = PRODUCTS[name]
    found = by_hand(overload, *arguments, outs=[result], weights=weights)
    assert found.kind == "matmul"
    assert (found.cost.madds, found.cost.other_ops) == (madds, operations)
    assert found.contraction == geometry


def test_product_of_4_bit_floats_has_no_geometry_in_bytes() -> None:
    pair = torch.float4_e2m1fn_x2
    found = by_hand(
        *(aten._scaled_mm.default, meta(3, 5, dtype=pair), meta(5, 7, dtype=pair), scale, scale), outs=[(3, 7)]
    )
    assert (found.cost.madds, found.contraction) == (3 * (2 * 5) * 7, None)


def test_weight_that_is_expanded_over_a_batch_is_one_layer() -> None:
    (found,) = working(lambda x, w: torch.bmm(x, w.expand(2, 5, 7)), X, weights=((5, 7),))
    assert found.contraction == rows
    (left,) = working(lambda x, w: torch.bmm(w.expand(2, 3, 5), x), W, weights=((3, 5),))
    assert left.contraction == Contraction(5, 3, 2 * 7, 2 * 7)


@pytest.mark.parametrize(("beta", "read"), [(1, 15 + 35 + 7), (0, 15 + 35)])
def test_gelu_in_the_kernel_of_a_product(beta: int, read: int) -> None:
    (found,) = working(lambda b, x, w: aten._addmm_activation(b, x, w, beta=beta, use_gelu=True), b, x, w)
    assert (found.cost.madds, found.cost.other_ops) == (3 * 5 * 7, 3 * 7 * (beta + gelu))
    assert access(found) == (read, 0, 3 * 7)


def test_original_of_a_weight_in_another_order_is_not_read() -> None:
    ordered, original = meta(7, 5), meta(7, 5)
    found = by_hand(
        *(torch.ops.mkl._mkl_linear.default, X, ordered, original, None, 6), outs=[(2, 3, 7)], weights=[1, 2]
    )
    assert access(found) == (2 * 3 * 5, 5 * 7, 2 * 3 * 7)
    assert found.cost.other_ops == 0


def trilinear(i1: Tensor, i2: Tensor, i3: Tensor, *dims: list[int], out: tuple[int, ...]) -> tuple[int, int]:
    found = by_hand(aten._trilinear.default, i1, i2, i3, *dims, outs=[out])
    return found.cost.madds, found.cost.other_ops


def test_product_of_three_is_one_of_two_and_then_another() -> None:
    """What the third one lacks is summed first, the rest with the third; a product that sums nothing adds nothing."""
    # Σ_k a[m, k]·b[k, n] times c[m, n], over m, k, n = 3, 5, 7: the first sums k, the second nothing
    assert trilinear(meta(3, 5), meta(5, 7), meta(3, 7), [2], [0], [1], [1], out=(3, 7)) == (3 * 5 * 7, 3 * 7)
    # a[m]·b[k] times c[m, k], summed over k: the first sums nothing
    assert trilinear(meta(3), meta(5), meta(3, 5), [1], [0], [], [1], out=(3,)) == (3 * 5, 3 * 5)
    # b and c both lack m, and a and b lack n: a[k]·b[k] has 5 elements, with c[k, n] 5 · 7, which are summed over k
    assert trilinear(meta(5), meta(5), meta(5, 7), [1], [1], [], [0], out=(7,)) == (5 * 7, 5)

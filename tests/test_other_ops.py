"""Scalar operations that are no multiply-adds: one row for each way of counting, against the definition by hand.

Shapes of results come from torch's own meta kernels; where an operator has none they are written beside it. Sizes are
different primes wherever an operator allows it.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from mac_audit.cost import Costed
from tests.costing import access, by_hand, index, meta

aten, c10d = torch.ops.aten, torch.ops._c10d_functional
complex64, boolean = torch.complex64, torch.bool


def called(overload: Any, *args: Any) -> Costed:
    """The cost of a call, with the results that torch gives on meta tensors."""
    results = [result for result in tree_leaves(overload(*args)) if isinstance(result, Tensor)]
    return by_hand(overload, *args, outs=results)


x, flag, integer = meta(2, 3, 5), meta(2, 3, 5, dtype=boolean), index(2, 3, 5)
N = 2 * 3 * 5
image, volume, signal = meta(2, 3, 7, 11), meta(2, 3, 5, 7, 11), meta(2, 3, 7)
PLANES = 2 * 3
Row = tuple[Any, tuple[Any, ...], int]  # overload, arguments, scalar operations
ROWS: dict[str, list[Row]] = {
    "elementwise": [
        (aten.relu.default, (x,), N),
        (aten.exp.default, (x,), N),
        (aten.add.Tensor, (x, meta(5)), N),  # broadcast
        (aten.where.self, (flag, x, x), N),
        (aten.__and__.Tensor, (integer, integer), N),
        (aten.max.other, (x, x), N),  # a choice for each element, no reduction
        (aten.clamp.default, (x, 0.0, 1.0), 2 * N),  # two limits
        (aten.leaky_relu.default, (x,), 2 * N),  # comparison, product
        (aten.xlogy.Tensor, (x, x), 2 * N),  # logarithm, product
        (aten.lerp.Scalar, (x, x, 0.5), 3 * N),  # difference, product, sum
        (aten.addcmul.default, (x, x, x), 3 * N),  # product, scale, sum
        (aten.softplus.default, (x,), 3 * N),  # exp, sum, logarithm
        (aten.sigmoid.default, (x,), 4 * N),  # sign, exp, sum, quotient
        (aten.hardsigmoid.default, (x,), 4 * N),  # sum, two limits, quotient
        (aten.silu.default, (x,), (4 + 1) * N),  # a sigmoid and a product
        (aten.gelu.default, (x,), 5 * N),  # quotient, erf, sum, product, half
        (aten.glu.default, (meta(2, 3, 10),), (4 + 1) * N),  # half of it through a sigmoid, times the other half
        (aten.native_dropout.default, (x, 0.5, True), 2 * N),  # a draw and a product
        (aten.poisson.default, (x,), N),
        (aten.bernoulli.default, (x,), N),
        (aten.normal_functional.default, (x,), N),
        (aten.linalg_cross.default, (meta(2, 5, 3), meta(2, 5, 3)), (2 + 1) * 2 * 5 * 3),  # two products, a difference
    ],
    "norm": [
        (aten._softmax.default, (x, -1, False), 5 * N),  # maximum, difference, exp, sum, quotient
        (aten._log_softmax.default, (x, 1, False), 5 * N),
        # mean, difference, square for statistics; difference, scale; two more where there are weights
        (aten.native_layer_norm.default, (x, [5], meta(5), meta(5), 1e-5), (3 + 2 + 2) * N),
        (aten.native_layer_norm.default, (x, [5], None, None, 1e-5), (3 + 2) * N),
        (aten.native_group_norm.default, (x, meta(3), meta(3), 2, 3, 5, 3, 1e-5), (3 + 2 + 2) * N),
        (aten.native_batch_norm.default, (x, meta(3), meta(3), meta(3), meta(3), False, 0.1, 1e-5), (2 + 2) * N),
        (aten.native_batch_norm.default, (x, None, None, meta(3), meta(3), True, 0.1, 1e-5), (3 + 2) * N),
        (
            aten._native_batch_norm_legit_no_training.default,
            *((x, meta(3), meta(3), meta(3), meta(3), 0.1, 1e-5), (2 + 2) * N),
        ),
        (
            aten._batch_norm_with_update_functional.default,
            *((x, meta(3), meta(3), meta(3), meta(3), 0.1, 1e-5), (3 + 2 + 2) * N),
        ),
        (aten._weight_norm_interface.default, (meta(7, 5), meta(7, 1)), (2 + 1) * 7 * 5),
    ],
    "reduction": [
        (aten.sum.default, (x,), N),
        (aten.amax.default, (x, [1]), N),
        (aten.logsumexp.default, (x, [-1]), 4 * N),  # maximum, difference, exp, sum
        (aten.var.correction, (x, [1]), 3 * N),  # difference, square, sum
        (aten.linalg_vector_norm.default, (x,), 3 * N),
        (aten.sort.default, (meta(3, 16, 5), 1), 3 * 16 * 5 * 4),  # log₂ 16
        (aten.topk.default, (meta(3, 5, 16), 2), 3 * 5 * 16 * 4),
        (aten.sort.default, (meta(3, 2),), 3 * 2),
        (aten.sort.default, (meta(3, 1),), 3),  # one comparison for each at the least
        (aten.sort.default, (meta(),), 1),
        (aten.sort.default, (meta(3, 0),), 0),
        (aten.msort.default, (meta(16, 3, 2),), 16 * 3 * 2 * 4),
        (aten.bucketize.Tensor, (x, meta(16)), N * 4),
        (aten.searchsorted.Tensor, (meta(16), x), N * 4),
        (aten.searchsorted.Tensor, (meta(2, 3, 16), x), N * 4),
        (aten.isin.Tensor_Tensor, (x, meta(2)), N * 2),  # less than sorting 32
        (aten.isin.Tensor_Tensor, (meta(40), meta(24)), 64 * 6),  # sorting 64, less than 40 · 24
        (aten.isin.Tensor_Scalar, (x, 1.0), N),
        (aten.multinomial.default, (meta(16), 5), 16 + 5 + 5 * 4),
        (aten.multinomial.default, (meta(2, 16), 5), 2 * 16 + 2 * 5 + 2 * 5 * 4),  # sums, draws, searches
        (aten.mse_loss.default, (x, x), 3 * N),  # difference, square, sum
        (aten.smooth_l1_loss.default, (x, x), 4 * N),
        (aten.huber_loss.default, (x, x), 4 * N),
        (aten.soft_margin_loss.default, (x, x), 4 * N),  # product, exp, logarithm, sum
        (aten.binary_cross_entropy.default, (x, x), (2 + 2 + 2 + 1) * N),
        (aten.dist.default, (x, x), 3 * N + 1),  # difference, power, sum; a root
        (aten._cdist_forward.default, (meta(2, 3, 7), meta(2, 5, 7), 1.0, None), 2 * 3 * 5 * (3 * 7 + 1)),
        (c10d.all_reduce.default, (x, "sum", "0"), N),
    ],
    "pool": [
        (aten.avg_pool2d.default, (image, [2, 3]), PLANES * 3 * 3 * (2 * 3)),
        (aten.max_pool2d_with_indices.default, (image, [2, 3], [1, 2]), PLANES * 6 * 5 * (2 * 3)),
        # seven in three windows of three (they overlap), eleven in two of six
        (aten._adaptive_avg_pool2d.default, (image, [3, 2]), PLANES * (3 + 3 + 3) * (6 + 6)),
        (aten.adaptive_max_pool2d.default, (image, [3, 2]), PLANES * (3 + 3 + 3) * (6 + 6)),
    ],
    "data-movement": [  # a product and a sum for each neighbour
        (aten.upsample_linear1d.default, (signal, [13], False), 2 * 2 * PLANES * 13),
        (aten.upsample_bilinear2d.default, (image, [13, 17], False), 2 * 4 * PLANES * 13 * 17),
        (aten.upsample_trilinear3d.default, (volume, [13, 17, 19], False), 2 * 8 * PLANES * 13 * 17 * 19),
        (aten.upsample_bicubic2d.default, (image, [13, 17], False), 2 * 16 * PLANES * 13 * 17),
        (aten.upsample_nearest2d.vec, (image, [13, 17], None), 0),
        (aten.grid_sampler_2d.default, (image, meta(2, 13, 17, 2), 0, 0, False), 2 * 4 * PLANES * 13 * 17),
        (aten.grid_sampler_2d.default, (image, meta(2, 13, 17, 2), 1, 0, False), 0),
        (aten.grid_sampler_2d.default, (image, meta(2, 13, 17, 2), 2, 0, False), 2 * 16 * PLANES * 13 * 17),
        (aten.grid_sampler_3d.default, (volume, meta(2, 3, 5, 7, 3), 0, 0, False), 2 * 8 * PLANES * 3 * 5 * 7),
        (aten.grid_sampler_3d.default, (volume, meta(2, 3, 5, 7, 3), 1, 0, False), 0),
        (aten.clone.default, (x,), 0),
        (aten.constant_pad_nd.default, (x, [1, 2]), 0),
        (aten.reflection_pad1d.default, (x, [1, 2]), 0),
        (aten.col2im.default, (meta(2, 3 * 2 * 2, 20), [5, 6], [2, 2], [1, 1], [0, 0], [1, 1]), 2 * 12 * 20),
        (c10d.broadcast.default, (x, 0, "0"), 0),
        (c10d.all_gather_into_tensor.default, (x, 3, "0"), 0),
        (aten._unsafe_masked_index_put_accumulate.default, (meta(7), meta(3, dtype=boolean), [index(3)], meta(3)), 3),
        (aten.scatter_add.default, (meta(7), 0, index(3), meta(5)), 3),
        (aten.put.default, (meta(7), index(3), meta(3), True), 3),
        (aten.put.default, (meta(7), index(3), meta(3), False), 0),
    ],
    "other": [
        (aten._fft_c2c.default, (meta(3, 8, dtype=complex64), [1], 0, True), 5 * 3 * 8 * 3),  # log₂ 8
        (aten._fft_r2c.default, (meta(3, 8), [1], 0, True), 5 * 3 * 8 * 3 // 2),
        (aten._fft_c2r.default, (meta(3, 5, dtype=complex64), [1], 0, 8), 5 * 3 * 8 * 3 // 2),
        (aten._fft_c2c.default, (meta(4, 8, 3, dtype=complex64), [0, 1], 0, True), 5 * 4 * 8 * 3 * 5),  # log₂ 32
        (aten._fft_c2c.default, (meta(0, 8, dtype=complex64), [1], 0, True), 0),
    ],
}
CALLS = [(kind, *row) for kind, rows in ROWS.items() for row in rows]


@pytest.mark.parametrize(
    ("kind", "overload", "arguments", "operations"), CALLS, ids=[str(overload) for _, overload, *_ in CALLS]
)
def test_scalar_operations(kind: str, overload: Any, arguments: tuple[Any, ...], operations: int) -> None:
    found = called(overload, *arguments)
    assert (found.coverage, found.kind) == ("exact", kind)
    assert (found.cost.madds, found.cost.other_ops) == (0, operations)


scores = meta(7, 11)  # of seven and eleven classes
alpha = meta(3, 13, 9)  # of the forward variable: three sequences, 13 steps, nine states
# (class, overload, arguments, shapes of results, scalar operations), where torch has no meta kernel
WITHOUT_META: list[tuple[str, Any, tuple[Any, ...], list[Any], int]] = [
    # a bias for each, a scale for the queries
    (
        *("elementwise", aten._transform_bias_rescale_qkv.default, (meta(2, 5, 3 * 14), meta(3 * 14), 7)),
        *([(2, 7, 5, 2)] * 3, 2 * 5 * (3 * 14 + 14)),
    ),
    ("elementwise", aten.bernoulli.p, (x, 0.5), [x], N),
    ("norm", aten._masked_softmax.default, (x, flag), [x], (5 + 1) * N),
    ("norm", aten._safe_softmax.default, (x, 1), [x], 5 * N),
    (
        *("norm", aten._batch_norm_no_update.default, (x, None, None, meta(3), meta(3), 0.1, 1e-5)),
        *([x, (3,), (3,), (0,)], 2 * N),
    ),
    (
        *("norm", aten._batch_norm_with_update.default, (x, meta(3), meta(3), meta(3), meta(3), 0.1, 1e-5)),
        *([x, (3,), (3,), (0,)], (3 + 2 + 2) * N),
    ),
    ("reduction", aten.equal.default, (x, x), [], N),
    ("reduction", aten._unique2.default, (meta(4, 8),), [(32,)], 32 * 5),  # log₂ 32
    ("reduction", aten.histc.default, (x,), [(100,)], 3 * N),  # difference, quotient, sum
    ("reduction", aten.multilabel_margin_loss_forward.default, (scores, index(7, 11), 1), [(), (7, 11)], 4 * 77),
    ("reduction", aten.multi_margin_loss.default, (scores, index(7)), [()], 5 * 77),
    ("reduction", aten.binary_cross_entropy_with_logits.default, (x, x), [()], 8 * N),
    ("reduction", aten.nll_loss_forward.default, (scores, index(7), None, 1, -100), [(), ()], 7),
    (
        *("reduction", aten._ctc_loss.default, (meta(13, 3, 5), index(3, 4), [13, 13, 13], [4, 4, 4])),
        *([(3,), alpha], 13 * (3 * 13 * 9)),
    ),
    ("reduction", aten._pdist_forward.default, (meta(5, 7),), [(10,)], (4 + 3 + 2 + 1) * (3 * 7 + 1)),
    ("reduction", c10d.all_reduce_coalesced.default, ([x, meta(7)], "sum", "0"), [x, (7,)], N + 7),
    ("pool", aten.max_pool1d.default, (signal, [2]), [(2, 3, 3)], PLANES * 3 * 2),
    ("data-movement", aten.max_unpool2d.default, (image, index(2, 3, 7, 11), [14, 22]), [(2, 3, 14, 22)], 0),
    ("data-movement", aten.cudnn_grid_sampler.default, (image, meta(2, 3, 5, 2)), [(2, 3, 3, 5)], 2 * 4 * PLANES * 15),
    ("data-movement", aten.embedding_renorm.default, (meta(13, 5), index(7), 1.0, 2.0), [(13, 5)], 3 * 7 * 5),
    ("data-movement", aten.embedding_renorm.default, (meta(3, 5), index(7), 1.0, 2.0), [(3, 5)], 3 * 3 * 5),
]


@pytest.mark.parametrize(
    ("kind", "overload", "arguments", "results", "operations"),
    WITHOUT_META,
    ids=[str(overload) for _, overload, *_ in WITHOUT_META],
)
def test_scalar_operations_where_results_are_written_by_hand(
    kind: str, overload: Any, arguments: tuple[Any, ...], results: list[Any], operations: int
) -> None:
    found = by_hand(overload, *arguments, outs=results)
    assert (found.coverage, found.kind) == ("exact", kind)
    assert (found.cost.madds, found.cost.other_ops) == (0, operations)


def test_a_forward_variable_that_is_not_returned_does_not_tell_its_states() -> None:
    """cuDNN returns gradients (time, batch, classes)."""
    scores = meta(13, 3, 5)
    found = by_hand(
        *(aten._cudnn_ctc_loss.default, scores, index(12), [13] * 3, [4] * 3, 0, False, False), outs=[(3,), scores]
    )
    assert (found.coverage, found.cost.other_ops) == ("unknown", 0)


@pytest.mark.parametrize(("name", "radius"), [("bilinear", 1), ("bicubic", 2), ("lanczos", 3)])
def test_filter_of_an_antialiased_image(name: str, radius: int) -> None:
    """Rows first: 24 → 12 wide, twice the radius to each side; then columns, 9 → 3 high, three times. Two planes."""
    overload = getattr(aten, f"_upsample_{name}2d_aa").default
    found = by_hand(overload, meta(1, 2, 9, 24), [3, 12], False, outs=[(1, 2, 3, 12)])
    assert found.cost.other_ops == 2 * 2 * (9 * 12 * (2 * 2 * radius) + 3 * 12 * (2 * 3 * radius))
    # larger, 5 → 7 high and 11 → 13 wide, the filter stays as it is
    found = by_hand(overload, meta(1, 2, 5, 11), [7, 13], False, outs=[(1, 2, 7, 13)])
    assert found.cost.other_ops == 2 * 2 * (5 * 13 * (2 * radius) + 7 * 13 * (2 * radius))


def test_part_of_an_element_takes_a_whole_tap() -> None:
    """5 → 3: twice 5/3 are 3.3, four taps; 3 → 3: two."""
    found = by_hand(aten._upsample_bilinear2d_aa.default, meta(1, 1, 3, 5), [3, 3], False, outs=[(1, 1, 3, 3)])
    assert found.cost.other_ops == 2 * (3 * 3 * 4 + 3 * 3 * 2)


def test_euclidean_distances_are_a_product_with_norms_and_roots() -> None:
    """Vectors of 7 and two elements more; a product and a sum for each element's norm; a root for each of 2 · 3 · 5."""
    found = called(aten._euclidean_dist.default, meta(2, 3, 7), meta(2, 5, 7))
    assert (found.kind, found.cost.madds) == ("matmul", 2 * 3 * 5 * (7 + 2))
    assert found.cost.other_ops == 2 * 2 * (3 * 7 + 5 * 7) + 2 * 3 * 5


def test_affine_grid_in_three_dimensions() -> None:
    """Each of 2 · 5 · 7 · 11 positions (x, y, z, 1) times (3, 4)."""
    found = called(aten.affine_grid_generator.default, meta(2, 3, 4), [2, 3, 5, 7, 11], False)
    assert (found.kind, found.cost.madds) == ("matmul", (2 * 5 * 7 * 11) * 4 * 3)


# What an operator reads and writes where that is not all: (overload, arguments, results, elements read and written).
PARTS: list[tuple[Any, tuple[Any, ...], list[Any], int, int]] = [
    # one column of 11 and two of seven rows cut off, borders elsewhere
    (aten.constant_pad_nd.default, (image, [-1, 2, 1, -2]), [(2, 3, 6, 12)], PLANES * (7 - 2) * (11 - 1), 6 * 72),
    (aten.constant_pad_nd.default, (image, [1, 0]), [(2, 3, 7, 12)], PLANES * 77, PLANES * 84),
    (aten.upsample_nearest2d.default, (image, [3, 5]), [(2, 3, 3, 5)], PLANES * 15, PLANES * 15),
    (aten.upsample_nearest2d.default, (image, [13, 17]), [(2, 3, 13, 17)], PLANES * 77, PLANES * 221),
    (aten.cudnn_grid_sampler.default, (image, meta(2, 1, 5, 2)), [(2, 3, 1, 5)], 4 * PLANES * 5 + 20, PLANES * 5),
    (aten.cudnn_grid_sampler.default, (image, meta(2, 5, 7, 2)), [(2, 3, 5, 7)], PLANES * 77 + 140, PLANES * 35),
    (aten.nll_loss_forward.default, (scores, index(7), None, 1, -100), [(), ()], 7 + 7, 2),
    (aten.nll_loss2d_forward.default, (image, index(2, 7, 11), None, 1, -100), [(), ()], 154 + 154, 2),
    (aten.bernoulli.p, (x, 0.5), [x], 0, N),
    (aten.copy.default, (x, meta(5)), [x], 5, N),
    (aten.full_like.default, (x, 1.0), [x], 0, N),
    (aten.masked_select.default, (x, flag), [(7,)], 7 + N, 7),
    (aten.embedding_renorm.default, (meta(13, 5), index(7), 1.0, 2.0), [(13, 5)], 7 + 7 * 5, 7 * 5),
    (aten.embedding_renorm.default, (meta(3, 5), index(7), 1.0, 2.0), [(3, 5)], 7 + 3 * 5, 3 * 5),
]


@pytest.mark.parametrize(
    ("overload", "arguments", "results", "read", "written"), PARTS, ids=[str(overload) for overload, *_ in PARTS]
)
def test_part_that_is_touched(
    overload: Any, arguments: tuple[Any, ...], results: list[Any], read: int, written: int
) -> None:
    assert access(by_hand(overload, *arguments, outs=results)) == (read, 0, written)


def test_waiting_for_a_collective_is_free() -> None:
    assert by_hand(c10d.wait_tensor.default, x, outs=[x]).coverage == "free"

"""What operators read and write, a rule at a time, against arithmetic written out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.costing import access, index, meta, only, working

# --- gathers and writes into part ----------------------------------------------------------------------------------


def test_embedding_reads_the_rows_it_touches() -> None:
    (found,) = working(nn.Embedding(50000, 8), index(2, 3))
    assert access(found) == (2 * 3, 2 * 3 * 8, 2 * 3 * 8)
    assert found.cost.mac_bytes == 8 * 6 + 4 * 48 + 4 * 48
    assert found.kind == "data-movement"
    assert found.cost.madds == 0


@pytest.mark.parametrize(
    ("function", "inputs", "expected"),
    [
        (lambda x, i: x.index_select(0, i), [meta(100, 8), index(3)], (3 * 8 + 3, 0, 3 * 8)),
        (lambda x, i: x.gather(1, i), [meta(10, 80), index(10, 3)], (30 + 30, 0, 30)),
        (lambda x, i: x[i], [meta(100, 8), index(3)], (3 * 8 + 3, 0, 3 * 8)),
        (lambda x, i: x[:, i, i], [meta(5, 9, 9), index(4)], (5 * 4 + 4, 0, 5 * 4)),
        (lambda x, i: x.take(i), [meta(100, 8), index(3)], (3 + 3, 0, 3)),
    ],
    ids=["index_select", "gather", "index", "index-two", "take"],
)
def test_gather(function: Callable[..., Tensor], inputs: list[Tensor], expected: tuple[int, int, int]) -> None:
    (found,) = working(function, *inputs)
    assert access(found) == expected
    assert found.kind == "data-movement"


def put(value: float) -> Callable[..., Tensor]:
    def function(x: Tensor, i: Tensor) -> Tensor:
        y = x * 1
        y[i] = value
        return y

    return function


def test_index_put_of_a_scalar_writes_all_that_is_indexed() -> None:
    found = only(working(put(0.0), meta(10, 8), index(3)), "index_put")
    assert found.cost.writes == 3 * 8


def test_index_put_writes_the_values() -> None:
    def function(x: Tensor, i: Tensor, values: Tensor) -> Tensor:
        y = x * 1
        y[i] = values
        return y

    found = only(working(function, meta(10, 8), index(3), meta(3, 8)), "index_put")
    assert access(found) == (3 + 24, 0, 24)


@pytest.mark.parametrize("name", ["scatter_add", "index_add"])
def test_adding_in_place_reads_what_it_adds_to(name: str) -> None:
    """Three rows of ten; index_add names rows, scatter_add every element."""
    indices = {"scatter_add": index(3, 8), "index_add": index(3)}[name]

    def function(x: Tensor, i: Tensor, values: Tensor) -> Tensor:
        return getattr(x * 1, f"{name}_")(0, i, values)

    found = only(working(function, meta(10, 8), indices, meta(3, 8)), name)
    assert access(found) == (3 * 8 + indices.numel() + 3 * 8, 0, 3 * 8)
    assert found.cost.other_ops == 3 * 8


# --- element-wise, in place, broadcast -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "in_place", "name"),
    [
        (lambda x, y: (x * 1).add(y), lambda x, y: (x * 1).add_(y), "add"),
        (lambda x, y: (x + 1).mul(y), lambda x, y: (x + 1).mul_(y), "mul"),
        (lambda x, y: (x * 1 + y).relu(), lambda x, y: (x * 1 + y).relu_(), "relu"),
        (lambda x, y: (x * 1 + y).clamp(0, 6), lambda x, y: (x * 1 + y).clamp_(0, 6), "clamp"),
        (lambda x, y: (x * 1 + y).sigmoid(), lambda x, y: (x * 1 + y).sigmoid_(), "sigmoid"),
    ],
    ids=["add", "mul", "relu", "clamp", "sigmoid"],
)
def test_in_place_twin(function: Callable[..., Tensor], in_place: Callable[..., Tensor], name: str) -> None:
    inputs = meta(3, 4), meta(3, 4)
    one, other = (only(working(f, *inputs), name) for f in (function, in_place))
    assert one.cost == other.cost
    assert one.kind == other.kind == "elementwise"
    operands = 2 if name in ("add", "mul") else 1
    assert access(one) == (12 * operands, 0, 12)


@pytest.mark.parametrize(
    ("function", "inputs", "expected"),
    [
        (lambda x: x * x, [(3, 4)], (12, 0, 12)),  # one operand, read once
        (lambda x, y: x + y, [(3, 4), (4,)], (12 + 4, 0, 12)),
        (lambda x, y: x + y, [(3, 1), (1, 4)], (3 + 4, 0, 12)),
        (lambda x, y: x + y.expand(3, 4), [(3, 4), (1, 4)], (12 + 4, 0, 12)),
        (lambda x: x + 1, [(3, 4)], (12, 0, 12)),
        (lambda x, y: x[:, :2] + y, [(3, 4), (3, 2)], (6 + 6, 0, 6)),
        (lambda x: x[:2] * x[1:], [(3, 4)], (8 + 8, 0, 8)),  # two operands, though of one tensor
        (lambda x, y: torch.where(x > 0, x, y)[0], [(3, 4), (1, 1)], None),
    ],
    ids=["square", "row", "outer", "expand", "scalar", "slice", "two-slices", "where"],
)
def test_elementwise_reads_distinct_elements(
    function: Callable[..., Tensor], inputs: list[tuple[int, ...]], expected: tuple[int, int, int] | None
) -> None:
    found = working(function, *(meta(*shape) for shape in inputs))
    if expected is None:
        compared, chosen = found
        assert access(compared) == (12, 0, 12)
        assert compared.cost.mac_bytes == 12 * 4 + 12 * 1  # a bool is a byte
        assert access(chosen) == (12 + 12 + 1, 0, 12)
    else:
        assert [access(one) for one in found] == [expected]


def test_result_given_as_out_is_written_alone() -> None:
    found = only(working(lambda x: torch.add(x, 1, out=torch.empty(3, 4)), meta(3, 4)), "add")
    assert access(found) == (12, 0, 12)


def test_prelu_reads_its_weight() -> None:
    (found,) = working(nn.PReLU(4), meta(2, 4, 3))
    assert access(found) == (24, 4, 24)


# --- views and copies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.view(6, 4),
        lambda x: x.reshape(6, 4),
        lambda x: x.transpose(0, 1),
        lambda x: x.permute(2, 0, 1),
        lambda x: x[:, 1:, ::2],
        lambda x: x[0],
        lambda x: x.expand(5, 2, 3, 4),
        lambda x: x.split(1),
        lambda x: x.chunk(2, dim=2),
        lambda x: x.unbind(1),
        lambda x: x.detach(),
        lambda x: x.unsqueeze(0).squeeze(0),
        lambda x: x.flatten(1),
        lambda x: x.unfold(2, 2, 1),
        lambda x: x.diagonal(dim1=0, dim2=1),
        lambda x: x.mT,
        lambda x: x.as_strided((2, 2), (1, 1)),
        lambda x: x.view_as(x).narrow(1, 0, 2),
        lambda x: x.view(torch.int32),
        lambda x: x.movedim(0, -1),
        lambda x: x.contiguous(),  # it is
        lambda x: x.float(),  # it is
        lambda x: F.dropout(x, training=False),
        nn.Identity(),
        nn.Dropout(),
        nn.Flatten(),
        nn.Unflatten(1, (3, 1)),
    ],
)
def test_views_cost_nothing(function: Callable[..., Any]) -> None:
    assert working(function, meta(2, 3, 4)) == []


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x.transpose(1, 2).contiguous(), (24, 0, 24)),
        (lambda x: x.transpose(1, 2).reshape(-1), (24, 0, 24)),
        (lambda x: x.clone(), (24, 0, 24)),
        (lambda x: x.expand(5, 2, 3, 4).contiguous(), (24, 0, 120)),
        (lambda x: x[:1].expand(2, 3, 4).reshape(-1), (12, 0, 24)),
        (lambda x: x[:, :, :2].contiguous(), (12, 0, 12)),
        (lambda x: torch.cat((x, x[:1])), (24 + 12, 0, 36)),
        (lambda x: torch.cat((x, x)), (24, 0, 48)),
        (lambda x: torch.stack((x, x[:, :1].expand(2, 3, 4))), (24 + 8, 0, 48)),
        (lambda x: x.repeat(2, 1, 1), (24, 0, 48)),
        (lambda x: x.flip(0), (24, 0, 24)),
        (lambda x: x.roll(1, 0), (24, 0, 24)),
        (lambda x: F.pad(x, (1, 1)), (24, 0, 36)),
        (lambda x: x.half(), (24, 0, 24)),
    ],
)
def test_copies_cost_a_read_and_a_write(function: Callable[..., Any], expected: tuple[int, int, int]) -> None:
    (found,) = working(function, meta(2, 3, 4))
    assert access(found) == expected
    assert found.kind == "data-movement"
    assert found.cost.madds == found.cost.other_ops == 0


def test_conversion_reads_and_writes_bytes_of_each_type() -> None:
    (found,) = working(lambda x: x.half(), meta(2, 3, 4))
    assert found.cost.mac_bytes == 24 * 4 + 24 * 2


def test_copy_overwrites_and_does_not_read_its_target() -> None:
    found = only(working(lambda x, y: (x * 1).copy_(y), meta(3, 4), meta(4)), "copy")
    assert access(found) == (4, 0, 12)
    assert found.kind == "data-movement"


def test_slice_assignment_writes_the_slice() -> None:
    def function(x: Tensor, y: Tensor) -> Tensor:
        z = x * 1
        z[:, 1:3] = y
        return z

    found = only(working(function, meta(5, 8), meta(5, 2)), "copy")
    assert access(found) == (10, 0, 10)


def test_filling_a_slice_reads_nothing() -> None:
    def function(x: Tensor) -> Tensor:
        z = x * 1
        z[:, 1:3] = 0
        return z

    found = only(working(function, meta(5, 8)), "fill")
    assert access(found)[0] + access(found)[1] <= 1  # at most the scalar
    assert found.cost.writes == 10


def test_memory_set_aside_costs_nothing_until_it_is_written() -> None:
    assert working(lambda x: x.new_empty(3, 4), meta(2)) == []
    (made,) = working(lambda x: torch.zeros(3, 4), meta(2))
    assert access(made) == (0, 0, 12)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    steps=st.lists(st.integers(0, 5), min_size=3, max_size=3),
)
def test_operand_counts_between_its_bounds(sizes: list[int], steps: list[int]) -> None:
    """Whatever the strides: never fewer than the distinct elements, never more than the shape promises."""
    steps = steps[: len(sizes)]
    positions = torch.arange(256).as_strided(sizes, steps)
    distinct = positions.unique().numel()
    (found,) = working(lambda x: x.as_strided(sizes, steps).neg(), meta(256))
    assert distinct <= found.cost.reads_activation <= positions.numel()
    if 0 in steps and len([s for s in steps if s]) == 0:
        assert found.cost.reads_activation == 1


@pytest.mark.parametrize(
    ("function", "distinct"),
    [
        (lambda x: x.unfold(1, 3, 1), 2 * 10),  # windows that overlap
        (lambda x: x.expand(7, 2, 10), 2 * 10),
        (lambda x: x[:, ::3], 2 * 4),
        pytest.param(
            lambda x: x[:, :4].unfold(1, 2, 1),
            2 * 4,
        ),
    ],
    ids=["unfold", "expand", "step", "unfold-of-part"],
)
def test_operand_counts_its_distinct_elements(function: Callable[..., Tensor], distinct: int) -> None:
    (found,) = working(lambda x: function(x).neg(), meta(2, 10))
    assert found.cost.reads_activation == distinct


def test_small_table_is_read_once() -> None:
    """Twelve look-ups in a table of three rows of eight: the table is read once, at most."""
    (found,) = working(nn.Embedding(3, 8), index(12))
    assert access(found) == (12, 3 * 8, 12 * 8)


BAG = "_embedding_bag"


@pytest.mark.parametrize(
    ("mode", "weighted", "other_ops"), [("sum", False, 6 * 8), ("mean", False, 6 * 8), ("sum", True, 6 * 8 * 2)]
)
def test_embedding_bag_reads_rows_and_writes_sums(mode: str, weighted: bool, other_ops: int) -> None:
    """Two bags of three rows of eight each, of a table of a hundred."""
    layer = nn.EmbeddingBag(100, 8, mode=mode)
    weights = (meta(2, 3),) if weighted else ()
    found = only(working(lambda i, *w: layer(i, per_sample_weights=w[0] if w else None), index(2, 3), *weights), BAG)
    assert (found.cost.reads_weight, found.cost.writes) == (6 * 8, 2 * 8)
    assert found.cost.reads_activation == 6 + 2 + (6 if weighted else 0)  # indices, offsets, weights
    assert found.cost.other_ops == other_ops


def test_embedding_with_a_longest_norm_reads_and_writes_its_rows() -> None:
    """Each of six rows of eight: square, sum, scale."""
    found = only(working(nn.Embedding(100, 8, max_norm=1.0), index(2, 3)), "embedding_renorm")
    assert found.cost.reads_activation + found.cost.reads_weight == 6 + 6 * 8
    assert found.cost.writes == 6 * 8
    assert found.cost.other_ops == 3 * 6 * 8


# --- writes into part ----------------------------------------------------------------------------------------------

# A tensor of 10 × 8 in the place of x, three rows or indices: (call, further inputs, elements of activations read when
# it writes in place, when it copies, elements written in place, when it copies).
PARTIAL = {
    "index_copy": (lambda x, i, s: (0, i, s), [index(3), meta(3, 8)], 3 + 24, 80 + 3 + 24, 24, 80),
    "index_add": (lambda x, i, s: (0, i, s), [index(3), meta(3, 8)], 24 + 3 + 24, 80 + 3 + 24, 24, 80),
    "index_reduce": (lambda x, i, s: (0, i, s, "amax"), [index(3), meta(3, 8)], 24 + 3 + 24, 80 + 3 + 24, 24, 80),
    "index_fill": (lambda x, i: (0, i, 1.0), [index(3)], 3, 80 + 3, 24, 80),
    "scatter": (lambda x, i, s: (1, i, s), [index(2, 5), meta(10, 8)], 10 + 10, 80 + 10 + 10, 10, 80),
    "scatter_add": (lambda x, i, s: (1, i, s), [index(2, 5), meta(10, 8)], 10 + 10 + 10, 80 + 10 + 10, 10, 80),
    "scatter_reduce": (lambda x, i, s: (1, i, s, "sum"), [index(2, 5), meta(10, 8)], 30, 80 + 10 + 10, 10, 80),
    "put": (lambda x, i, s: (i, s), [index(3), meta(3)], 3 + 3, 80 + 3 + 3, 3, 80),
    "masked_scatter": (lambda x, m, s: (m, s), [meta(10, 8, dtype=torch.bool), meta(7)], 80 + 7, 160 + 7, 7, 80),
    "index_put": (lambda x, i, s: ((i,), s), [index(3), meta(3, 8)], 3 + 24, 80 + 3 + 24, 24, 80),
    "masked_fill": (lambda x, m: (m, 0.0), [meta(10, 8, dtype=torch.bool)], 160, 160, 80, 80),  # the twin's cost
}


@pytest.mark.parametrize("name", PARTIAL)
def test_write_into_part(name: str) -> None:
    arguments, inputs, in_place_read, read, in_place_written, written = PARTIAL[name]

    def in_place(x: Tensor, *rest: Tensor) -> Tensor:
        return getattr(x * 1, f"{name}_")(*arguments(x, *rest))

    def copying(x: Tensor, *rest: Tensor) -> Tensor:
        return getattr(x, name)(*arguments(x, *rest))

    assert access(only(working(in_place, meta(10, 8), *inputs), name)) == (in_place_read, 0, in_place_written)
    assert access(only(working(copying, meta(10, 8), *inputs), name)) == (read, 0, written)


@pytest.mark.parametrize(
    ("function", "part"),
    [
        (lambda x, s: torch.slice_scatter(x, s, 0, 2, 5), meta(3, 8)),
        (lambda x, s: torch.select_scatter(x, s, 0, 2), meta(8)),
        (torch.diagonal_scatter, meta(8)),
    ],
    ids=["slice", "select", "diagonal"],
)
def test_copy_with_a_part_exchanged(function: Callable[..., Tensor], part: Tensor) -> None:
    """What is exchanged is not read: together 10 · 8 elements are, and as many written."""
    (found,) = working(function, meta(10, 8), part)
    assert access(found) == (80, 0, 80)


def static_cache(x: Tensor, k: Tensor) -> Tensor:
    cache = x * 1
    cache[:, :, 4:5] = k
    return cache


def indexed_cache(x: Tensor, k: Tensor, position: Tensor) -> Tensor:
    return (x * 1).index_copy_(2, position, k)


def growing_cache(x: Tensor, k: Tensor) -> Tensor:
    return torch.cat((x, k), dim=2)


@pytest.mark.parametrize(
    ("function", "name", "inputs", "expected"),
    [  # one position of 2 · 4 heads of 8 = 64 elements; the cache has 16 positions
        (static_cache, "copy", [], (64, 0, 64)),
        (indexed_cache, "index_copy", [index(1)], (64 + 1, 0, 64)),
        (growing_cache, "cat", [], (16 * 64 + 64, 0, 17 * 64)),
    ],
    ids=["slice", "index_copy", "cat"],
)
def test_cache_of_keys(
    function: Callable[..., Tensor], name: str, inputs: list[Tensor], expected: tuple[int, int, int]
) -> None:
    found = only(working(function, meta(2, 4, 16, 8), meta(2, 4, 1, 8), *inputs), name)
    assert access(found) == expected


def test_operand_in_two_places_is_read_as_much_as_the_greedier_one() -> None:
    """As what is copied all of it is needed, as the source three elements of it."""
    (found,) = working(lambda x, i: x.scatter(1, i, x), meta(3, 8), index(3, 1))
    assert access(found) == (24 + 3, 0, 24)


@pytest.mark.parametrize("name", ["normal_", "uniform_", "exponential_", "bernoulli_", "random_", "geometric_"])
def test_drawing_over_reads_nothing(name: str) -> None:
    arguments = {"geometric_": (0.5,)}.get(name, ())
    found = only(working(lambda x: getattr(x * 1, name)(*arguments), meta(3, 4)), name.removesuffix("_"))
    assert access(found) == (0, 0, 12)
    assert found.cost.other_ops == 12


def test_drawing_by_probabilities_reads_them() -> None:
    (found,) = working(torch.bernoulli, meta(3, 4))
    assert access(found) == (12, 0, 12)


@pytest.mark.parametrize(
    ("function", "read"),
    [
        (lambda x: F.interpolate(x, scale_factor=0.5), 2 * 4 * 4),
        (lambda x: F.interpolate(x, scale_factor=2.0), 2 * 8 * 8),
        (lambda x: F.pad(x, (-1, -1, -2, 0)), 2 * 6 * 6),  # cut off, and not read
        (lambda x: x.expand(3, 2, 8, 8).neg(), 2 * 8 * 8),
        (lambda x: x[:, :1].expand(1, 2, 8, 8).neg(), 8 * 8),
        (lambda x: x + x.mean((2, 3), keepdim=True).expand(1, 2, 8, 8), 2 * 8 * 8 + 2),
    ],
    ids=["smaller", "larger", "cut", "expand", "expand-slice", "expand-mean"],
)
def test_part_of_an_operand_is_read(function: Callable[..., Tensor], read: int) -> None:
    assert working(function, meta(1, 2, 8, 8))[-1].cost.reads_activation == read


def test_weight_is_read_once_per_call() -> None:
    """Eight images or one; expanded over the batch, or shared by two calls."""
    layer = nn.Conv2d(3, 5, 3, bias=False)
    for batch in (1, 8):
        (found,) = working(layer, meta(batch, 3, 6, 6))
        assert access(found) == (batch * 108, 5 * 27, batch * 5 * 16)
    (found,) = working(lambda x, w: torch.bmm(x, w.expand(8, 4, 5)), meta(8, 2, 4), weights=((4, 5),))
    assert found.cost.reads_weight == 20
    twice = working(lambda x, w: (x @ w) @ w, meta(2, 4), weights=((4, 4),))
    assert [one.cost.reads_weight for one in twice] == [16, 16]


def test_view_of_a_view_reads_the_memory_behind_it() -> None:
    (found,) = working(lambda x: x.view(4, 6)[1:3].t().expand(5, 6, 2).sin(), meta(2, 12))
    assert access(found) == (12, 0, 60)

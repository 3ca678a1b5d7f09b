"""Operators that touch part of a tensor: gathers, and writes into part, against arithmetic written out by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
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


# --- where the part is ---------------------------------------------------------------------------------------------

MASK = torch.bool


@pytest.mark.parametrize(
    ("indices", "written"),
    [  # of a tensor of 2 × 3 × 5 × 7
        ((index(11),), 11 * 3 * 5 * 7),
        ((None, index(11)), 11 * 2 * 5 * 7),
        ((index(11), None, index(11)), 11 * 3 * 7),
        ((index(13, 1), index(11)), (13 * 11) * 5 * 7),  # broadcast, aligned at the last
        ((index(11), index(13, 1)), (13 * 11) * 5 * 7),
        ((index(13, 11), index(1)), (13 * 11) * 5 * 7),
        ((meta(2, dtype=MASK),), 2 * 3 * 5 * 7),
        ((meta(2, 3, dtype=MASK),), (2 * 3) * 5 * 7),  # a mask of two dimensions stands in the place of both
        ((None, meta(3, 5, dtype=torch.uint8)), 2 * (3 * 5) * 7),
        ((meta(2, 3, dtype=MASK), None), (2 * 3) * 5 * 7),
        ((meta(2, 3, dtype=MASK), None, index(1)), (2 * 3) * 5),
        ((meta(2, 3, 5, dtype=MASK), index(1)), 2 * 3 * 5),
    ],
)
@pytest.mark.parametrize("accumulate", [False, True])
def test_part_that_indices_name(indices: tuple[Tensor | None, ...], written: int, accumulate: bool) -> None:
    """One value there, so that the part is what the indices say; adding to it reads it."""

    def function(x: Tensor, value: Tensor, *rest: Tensor) -> Tensor:
        places = iter(rest)
        named = [i if i is None else next(places) for i in indices]
        return torch.ops.aten.index_put_.default(x * 1, named, value, accumulate)

    given = [i for i in indices if i is not None]
    found = only(working(function, meta(2, 3, 5, 7), meta(1), *given), "index_put")
    named = sum(i.numel() for i in given)
    assert access(found) == (named + 1 + accumulate * written, 0, written)
    assert found.cost.other_ops == accumulate * written


@pytest.mark.parametrize(
    ("shape", "dim", "written"), [((3, 5, 7), 0, 2 * 5 * 7), ((3, 5, 7), 1, 2 * 3 * 7), ((3, 5, 7), -1, 2 * 3 * 5)]
)
def test_rows_that_are_filled(shape: tuple[int, ...], dim: int, written: int) -> None:
    found = only(working(lambda x, i: (x * 1).index_fill_(dim, i, 0.0), meta(*shape), index(2)), "index_fill")
    assert access(found) == (2, 0, written)


@pytest.mark.parametrize(("shape", "written"), [((), 1), ((1,), 1), ((0, 5), 0)])
def test_rows_that_are_filled_at_the_edges(shape: tuple[int, ...], written: int) -> None:
    """A scalar is its only row; of no rows none is filled."""
    filled = index(1) if written else index(0)
    found = only(working(lambda x, i: (x * 1).index_fill_(0, i, 0.0), meta(*shape), filled), "index_fill")
    assert access(found) == (filled.numel(), 0, written)


@pytest.mark.parametrize(("reduce", "added"), [({}, 0), ({"reduce": "add"}, 2 * 5)])
def test_scatter_of_one_value(reduce: dict[str, str], added: int) -> None:
    found = only(working(lambda x, i: (x * 1).scatter_(1, i, 1.0, **reduce), meta(7, 11), index(2, 5)), "scatter")
    assert access(found) == (2 * 5 + added, 0, 2 * 5)
    assert found.cost.other_ops == added


def test_longer_source_than_there_is_room_for() -> None:
    """A mask lets 3 · 5 elements through at the most, of a source of 17; an expanded one has two of its own."""

    def function(x: Tensor, mask: Tensor, source: Tensor) -> Tensor:
        return (x * 1).masked_scatter_(mask, source)

    found = only(working(function, meta(3, 5), meta(3, 5, dtype=MASK), meta(17)), "masked_scatter")
    assert access(found) == (15 + 15, 0, 15)


def test_part_that_is_larger_than_what_is_copied() -> None:
    """A part that is all of it leaves nothing to read."""
    (found,) = working(lambda x, s: torch.slice_scatter(x, s, 0, 0, 3), meta(3, 5), meta(3, 5))
    assert access(found) == (3 * 5, 0, 3 * 5)

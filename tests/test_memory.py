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

from tests.costing import access, meta, only, working

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

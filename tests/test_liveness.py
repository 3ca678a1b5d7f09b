"""Peak memory of activations: by hand, against another way to compute it, and against what torch really allocates."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.profiler import ProfilerActivity, profile

from mac_audit.capture import capture
from mac_audit.liveness import peak
from mac_audit.lower import lower
from mac_audit.network import Layer, Network, Operator, Ref, Tensor
from mac_audit.profile import Profile

FLOAT = 4  # bytes
Function = Callable[[torch.Tensor], torch.Tensor]


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


def profile_of(model: nn.Module, *shape: int, execution: str = "eager") -> Profile:
    return Profile(lower(capture(model, torch.empty(*shape, device="meta"))), execution)


# --- by hand: x has 100 elements, and so has each result but for those that are named ------------------------------


def shortcut(x: torch.Tensor) -> torch.Tensor:
    y = x.exp()
    return y + y.tanh().sigmoid()  # sigmoid: y, tanh's, its own


@pytest.mark.parametrize(
    ("function", "elements"),
    [
        (lambda x: x.exp().tanh(), 200),  # an operand and a result each
        (lambda x: torch.cat([x.exp(), x]), 100 + 100 + 200),  # the input is kept for the concatenation
        (lambda x: x.exp().view(50, 2).t().tanh(), 200),  # views take no more, and keep what they view
        (lambda x: x.exp().relu_().tanh(), 200),  # in place
        (lambda x: (x[:, :1] * 2, x + 1)[1], 200),  # the ten products, which nobody reads, are gone before the sum
        (lambda x: x.exp() + x.sum(), 100 + 100 + 1),  # exp's result waits for the sum of one element
        (shortcut, 300),
    ],
)
def test_by_hand(function: Function, elements: int) -> None:
    assert profile_of(Call(function), 10, 10).peak.memory == elements * FLOAT


def test_bytes_follow_the_dtype() -> None:
    found = profile_of(Call(lambda x: x.half().exp().float()), 10, 10)
    assert found.peak.memory == 100 * (4 + 2)


def test_weights_are_not_activations() -> None:
    model = nn.Sequential(nn.Linear(10, 1000, bias=False), nn.Linear(1000, 10, bias=False))
    found = profile_of(model, 10, 10).peak
    assert found.memory == (100 + 10_000) * FLOAT
    assert sorted(found.tensors.values(), reverse=True) == list(found.tensors.values())
    assert sum(found.tensors.values()) == found.memory


def test_what_stays_in_a_kernel_takes_no_memory() -> None:
    """Convolution, batch norm and ReLU: three maps and the input, two at a time; folded and fused."""
    model = nn.Sequential(nn.Conv2d(1, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 1)).eval()
    small, large = 10 * 10 * FLOAT, 4 * 10 * 10 * FLOAT
    assert profile_of(model, 1, 1, 10, 10).peak.memory == 2 * large  # batch norm and ReLU
    assert profile_of(model, 1, 1, 10, 10, execution="folded").peak.memory == 2 * large  # ReLU
    assert profile_of(model, 1, 1, 10, 10, execution="fused").peak.memory == small + large


# --- another way: at each operator, ask of each storage whether it is there ----------------------------------------


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Operators that read anything before them, look at it, or write into it."""
    tensors = [Tensor((size,), "int8", 1, size, storage, "input") for storage, size in enumerate((3, 5))]
    operators = []
    for step in range(draw(st.integers(1, 8))):
        read = draw(st.lists(st.integers(0, len(tensors) - 1), min_size=1, max_size=3, unique=True))
        kind = draw(st.sampled_from(["new", "new", "view", "in place"]))
        storage = tensors[read[0]].storage if kind != "new" else len(tensors)
        size = draw(st.integers(1, 9)) if kind == "new" else tensors[read[0]].elements
        tensors.append(Tensor((size,), "int8", 1, size, storage))
        arguments = {str(place): Ref(index) for place, index in enumerate(read if kind != "view" else read[:1])}
        mutates = (read[0],) if kind == "in place" else ()
        operators.append(
            Operator(f"op{step}", "aten.op", arguments, (len(tensors) - 1,), mutates=mutates, view=kind == "view")
        )
    outputs = draw(st.lists(st.integers(0, len(tensors) - 1), max_size=2, unique=True))
    return Network(tuple(tensors), tuple(operators), (Layer("", "Net"),), (0, 1), tuple(outputs))


def by_asking(network: Network) -> int:
    def uses(operator: Operator) -> set[int]:
        return set() if operator.view else {network.tensors[i].storage for i in (*operator.inputs, *operator.outputs)}

    def is_there(storage: int, time: int) -> bool:
        made = [t for t, op in enumerate(network.operators) if storage == network.tensors[op.outputs[0]].storage]
        first = 0 if storage < 2 else min(made)
        later = any(storage in uses(operator) for operator in network.operators[time:])
        kept = any(network.tensors[index].storage == storage for index in network.outputs)
        return first <= time and (later or kept or (time == 0 and storage < 2))

    sizes = {tensor.storage: tensor.elements for tensor in network.tensors}
    return max(
        sum(size for storage, size in sizes.items() if is_there(storage, time))
        for time in range(len(network.operators))
    )


@given(networks())
@settings(max_examples=200, deadline=None)
def test_another_way_finds_the_same(network: Network) -> None:
    found = peak(network)
    assert found.memory == by_asking(network)
    assert sum(found.tensors.values()) == found.memory


# --- what torch allocates ------------------------------------------------------------------------------------------


def allocated(model: nn.Module, *shape: int) -> int:
    """The most bytes at one time in a run of ``model``, its input included, as torch's allocator tells its profiler."""
    with torch.no_grad():
        model(torch.zeros(*shape))  # what is allocated once is
        x = torch.zeros(*shape)
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
            model(x)
    now = most = x.numel() * x.element_size()
    for event in profiler.profiler.kineto_results.events():  # type: ignore[union-attr]
        if event.name() == "[memory]":
            now += event.nbytes()
            most = max(most, now)
    return most


@pytest.mark.parametrize(
    "functions",
    [
        (torch.exp, torch.tanh, torch.sigmoid),
        (lambda x: torch.cat([x, x]), torch.exp, lambda x: x[:7].clone()),
        (torch.exp, lambda x: x.view(-1, 4).t(), lambda x: x @ x.t(), torch.relu_),
        (lambda x: torch.cat([x] * 5), lambda x: x[:20].tanh(), lambda x: x + x.tanh().sigmoid()),
    ],
)
def test_torch_allocates_as_much(functions: tuple[Function, ...]) -> None:
    """Python holds the input of a call to its end, so the last operator of each reads it here."""
    steps = nn.Sequential(Call(lambda x: x[:8].clone()), *map(Call, functions))
    model = Call(lambda x: steps(x).sum() + x[0, 0])
    assert allocated(model, 64, 16) == profile_of(model, 64, 16).peak.memory

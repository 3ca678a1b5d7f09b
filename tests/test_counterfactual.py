"""What a finding promises is kept: its counterfactual, built and captured, costs what the finding says.

A width of a counterfactual is a real number rounded to a multiple of the groups, so it is wrong by half of them at
most. Every tolerance here follows from that, and from the saving being rounded to an integer itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from graphlib import TopologicalSorter
from math import isclose, lcm, prod, sqrt
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mac_audit.api import audit
from mac_audit.capture import record
from mac_audit.lower import lower
from mac_audit.profile import Profile
from mac_audit.report import Finding
from mac_audit.rule import discover
from mac_audit.structure import data_flow

RULES = {rule.code: rule for rule in discover()}

quick = settings(max_examples=40, deadline=None)


def profiles(model: nn.Module, x: Tensor) -> tuple[Profile, Profile]:
    """Folded and fused."""
    network = lower(record(model, x))
    return Profile(network, "folded"), Profile(network, "fused")


def torch_madds(model: nn.Module, x: Tensor) -> int:
    with FlopCounterMode(display=False) as counter:
        model(x)
    return int(counter.get_total_flops()) // 2


def findings(code: str, model: nn.Module, x: Tensor, **options: float) -> tuple[Finding, ...]:
    """Everything that saves anything at all."""
    report = audit(model, x, rules=[RULES[code]], options={code: {"limit": 0.0, "negligible": 0.0} | options})
    assert not report.errors
    assert all(result.value is None or result.value >= 0 for result in report.rules)  # nothing ever saves less than 0
    return report.findings


@dataclass(frozen=True)
class Layer:
    """A convolution, or a linear layer where ``kernel`` is empty, with its input."""

    c_in: int
    c_out: int
    side: int
    batch: int
    kernel: tuple[int, ...] = ()
    groups: int = 1
    stride: int = 1
    padding: int = 0
    transposed: bool = False

    def build(self, c_in: int = 0, c_out: int = 0, groups: int = 0) -> tuple[nn.Module, Tensor]:
        """On the meta device, with other widths and groups where given, and an input for it."""
        c_in, c_out, groups = c_in or self.c_in, c_out or self.c_out, groups or self.groups
        with torch.device("meta"):
            if not self.kernel:
                return nn.Linear(c_in, c_out, bias=False), torch.empty(self.batch, self.side, c_in)
            name = f"Conv{'Transpose' if self.transposed else ''}{len(self.kernel)}d"
            conv = getattr(nn, name)(c_in, c_out, self.kernel, self.stride, self.padding, groups=groups, bias=False)
            return conv, torch.empty(self.batch, c_in, *[self.side] * len(self.kernel))

    @property
    def positions(self) -> tuple[int, int]:
        """Of input and output, batch included."""
        model, x = self.build()
        return x.numel() // self.c_in, model(x).numel() // self.c_out


def costs(model: nn.Module, x: Tensor) -> dict[str, int]:
    """Multiply-adds by torch's counter, memory access as captured."""
    profile, _ = profiles(model, x)
    madds = torch_madds(model, x)
    assert profile.total.madds == madds
    return {"madds": madds, "mac_elements": profile.total.mac_elements}


def described(layer: Layer, numbers: dict[str, int]) -> None:
    """A counterfactual's ``numbers`` are those of the layer that it describes."""
    built = costs(*layer.build(numbers["c_in"], numbers["c_out"], numbers["groups"]))
    assert built == {"madds": numbers["madds"], "mac_elements": numbers["mac_elements"]}


channels, sides, batches = st.integers(1, 96), st.integers(1, 12), st.integers(1, 4)
pointwise_kernels = st.sampled_from([(), (1,), (1, 1), (1, 1, 1)])


@st.composite
def pointwise_layers(draw: st.DrawFn) -> Layer:
    """1×1 convolutions and linear layers that G1 looks at: grouped ones too, depthwise ones not."""
    kernel = draw(pointwise_kernels)
    groups = draw(st.sampled_from([1, 1, 2, 3])) if kernel else 1
    least = 5 if len(kernel) > 1 else 2 if groups > 1 else 1  # G1 takes narrower maps for images, of a given width
    a, b = draw(st.integers(least, 96 // groups)), draw(st.integers(1, 96 // groups))
    stride = draw(st.sampled_from([1, 1, 2])) if kernel else 1
    return Layer(groups * a, groups * b, draw(sides), draw(batches), kernel, groups, stride)


@st.composite
def grouped_layers(draw: st.DrawFn) -> Layer:
    """Convolutions that G2 looks at: more than one group and fewer than input channels."""
    kernel = tuple(draw(st.lists(st.sampled_from([1, 2, 3, 5]), min_size=1, max_size=2)))
    groups = draw(st.integers(2, 12))
    return Layer(
        c_in=groups * draw(st.integers(2, 8)),
        c_out=groups * draw(st.integers(1, 8)),
        side=draw(st.integers(5, 12)),
        batch=draw(batches),
        kernel=kernel,
        groups=groups,
        stride=draw(st.integers(1, 3)),
        padding=draw(st.integers(0, 1)) if min(kernel) > 1 else 0,
        transposed=draw(st.booleans()),
    )


@quick
@given(c1=channels, c2=channels, side=sides, batch=batches, kernel=pointwise_kernels)
def test_bound_of_equation_1(c1: int, c2: int, side: int, batch: int, kernel: tuple[int, ...]) -> None:
    """MAC ≥ 2√(hw·B) + B/hw; the excess is hw(√c1 − √c2)², so that equality holds for equal widths alone."""
    layer = Layer(c1, c2, side, batch, kernel)
    cost = costs(*layer.build())
    hw, b, mac = batch * side ** max(len(kernel), 1), cost["madds"], cost["mac_elements"]
    assert b == hw * c1 * c2
    excess = mac - (2 * sqrt(hw * b) + b / hw)
    assert isclose(excess, hw * (sqrt(c1) - sqrt(c2)) ** 2, rel_tol=1e-9, abs_tol=1e-12 * mac)
    assert (abs(excess) <= 1e-12 * mac) == (c1 == c2)


@quick
@given(pointwise_layers())
def test_equal_widths_keep_the_promise(layer: Layer) -> None:
    before, after = layer.positions
    width = sqrt(layer.c_in * layer.c_out)
    promised = before * (layer.c_in - width) + after * (layer.c_out - width)
    found = findings("G1", *layer.build())
    if not found:
        assert promised <= 1e-9 * (before + after) * width
        return
    (finding,) = found
    assert 0 <= finding.saving.mac_elements == pytest.approx(promised, abs=0.5)
    described(layer, finding.counterfactual["now"])
    instead = finding.counterfactual["instead"]
    off = max(layer.groups / 2, layer.groups - width)  # a multiple of the groups, at least one
    assert abs(instead["c_in"] - width) <= off
    assert instead["c_in"] == instead["c_out"]
    described(layer, instead)
    weights_off = (2 * width + off) * off / layer.groups  # ((w + off)² − w²) / g
    assert abs(instead["madds"] - finding.counterfactual["now"]["madds"]) <= after * weights_off
    saved = finding.counterfactual["now"]["mac_elements"] - instead["mac_elements"]
    assert abs(saved - finding.saving.mac_elements) <= (before + after) * off + weights_off + 0.5


@quick
@given(pointwise_layers(), st.sampled_from([1, 2, 4, 8, 16, 32]))
def test_rounded_widths_are_multiples(layer: Layer, multiple: int) -> None:
    found = findings("G1", *layer.build(), multiple=multiple)
    assume(found and "rounded" in found[0].counterfactual)  # not offered where it would not move less
    rounded, step = found[0].counterfactual["rounded"], lcm(multiple, layer.groups)
    assert rounded["mac_elements"] < found[0].counterfactual["now"]["mac_elements"]
    widths, product = (rounded["c_in"], rounded["c_out"]), layer.c_in * layer.c_out
    assert all(width > 0 and width % step == 0 for width in widths)
    described(layer, rounded)
    said = re.search(r"in multiples of (\d+): (\d+) and (\d+) \(([+-][\d.]+) % multiply-adds\)", found[0].instead)
    assert said is not None
    assert [int(number) for number in said.groups()[:3]] == [step, *widths]
    off = 100 * (rounded["madds"] / found[0].counterfactual["now"]["madds"] - 1)
    assert float(said[4]) == pytest.approx(off, abs=0.051)
    nearly_equal = ((a * step, b * step) for a in range(1, 100) for b in (a, a + 1))
    assert abs(prod(widths) - product) == min(abs(prod(pair) - product) for pair in nearly_equal)


@quick
@given(grouped_layers())
def test_widths_without_groups_keep_the_promise(layer: Layer) -> None:
    before, after = layer.positions
    a, b = layer.c_in / sqrt(layer.groups), layer.c_out / sqrt(layer.groups)
    (finding,) = findings("G2", *layer.build())
    now, instead = finding.counterfactual["now"], finding.counterfactual["instead"]
    described(layer, now)
    described(layer, instead)
    assert instead["groups"] == 1
    assert max(abs(instead["c_in"] - a), abs(instead["c_out"] - b)) <= 0.5
    promised = before * (layer.c_in - a) + after * (layer.c_out - b)
    assert 0 < finding.saving.mac_elements == pytest.approx(promised, abs=0.5)
    weights_off = prod(layer.kernel) * ((a + b) / 2 + 0.25)  # (a + ½)(b + ½) − a·b
    assert abs(instead["madds"] - now["madds"]) <= (before if layer.transposed else after) * weights_off
    saved = now["mac_elements"] - instead["mac_elements"]
    assert abs(saved - finding.saving.mac_elements) <= (before + after) / 2 + weights_off + 0.5


ACTIVATIONS: tuple[Callable[[], nn.Module], ...] = (nn.ReLU, nn.Sigmoid, nn.Hardswish, nn.GELU)
activations = st.sampled_from(ACTIVATIONS)


@quick
@given(grouped_layers() | pointwise_layers(), activations, st.booleans(), st.sampled_from([torch.float32, torch.half]))
def test_fused_activation_keeps_the_promise(
    layer: Layer, activation: Callable[[], nn.Module], inplace: bool, dtype: torch.dtype
) -> None:
    conv, x = layer.build()
    act = nn.ReLU(inplace=True) if inplace else activation()
    model = nn.Sequential(conv, act).to(dtype)
    folded, fused = profiles(model, x.to(dtype))
    (finding,) = findings("G4", model, x.to(dtype))
    assert finding.saving.mac_elements == folded.total.mac_elements - fused.total.mac_elements
    assert finding.saving.mac_bytes == folded.total.mac_bytes - fused.total.mac_bytes
    assert finding.saving.mac_elements == 2 * layer.positions[1] * layer.c_out  # a write and a read of the map
    assert finding.saving.share == finding.saving.mac_elements / folded.total.mac_elements
    now, instead = finding.counterfactual["now"], finding.counterfactual["instead"]
    assert now["mac_elements"] - instead["mac_elements"] == finding.saving.mac_elements


@quick
@given(st.lists(st.tuples(channels, st.lists(activations, max_size=3)), min_size=1, max_size=4), sides, batches)
def test_savings_of_a_chain_add_up_to_fused(
    steps: list[tuple[int, list[Callable[[], nn.Module]]]], side: int, batch: int
) -> None:
    """conv-relu-conv-relu and the like: mending every place leaves the memory access of ``fused``."""
    layers: list[nn.Module] = []
    width = 3
    with torch.device("meta"):
        for c, acts in steps:
            layers += [nn.Conv2d(width, c, 3, padding=1), *(act() for act in acts)]
            width = c
        model, x = nn.Sequential(*layers), torch.empty(batch, 3, side, side)
    folded, fused = profiles(model, x)
    found = findings("G4", model, x)
    assert len(found) == len(layers) - len(steps)
    assert fused.total.mac_elements == folded.total.mac_elements - sum(f.saving.mac_elements for f in found)
    assert fused.total.operators == len(steps)


# The execution model `fused`, case by case. Every map has the same size.


class Written(nn.Module):
    """A forward written as a function of four 1×1 convolutions and x, a 2×8×6×6 map."""

    def __init__(self, forward: Callable[..., Any]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(8, 8, 1, bias=False) for _ in range(4))
        self.function = forward

    def forward(self, x: Tensor) -> Any:
        return self.function(self.convs, x)


MAP = 2 * 8 * 6 * 6


def case(forward: Callable[..., Any]) -> tuple[dict[str, str], float]:
    """The kernel of each operator that joins one under ``fused``, by their names in short; the maps saved."""
    with torch.device("meta"):
        model, x = Written(forward), torch.empty(2, 8, 6, 6)
    folded, fused = profiles(model, x)
    number = Counter[str]()
    short: dict[str, str] = {}
    for operator in fused.network.operators:
        base = operator.target.split(".")[1].strip("_").replace("convolution", "conv")
        number[base] += 1
        short[operator.name] = f"{base}{number[base]}"
    joined = {short[op.name]: short[op.kernel] for op in fused.network.operators if op.kernel}
    totals = [audit(model, x, execution=execution).totals for execution in ("folded", "fused")]
    assert totals[0].operators - totals[1].operators == len(joined)
    assert totals[0].madds == totals[1].madds
    return joined, (folded.total.mac_elements - fused.total.mac_elements) / MAP


def test_activation_joins_its_convolution() -> None:
    assert case(lambda conv, x: conv[0](x).relu()) == ({"relu1": "conv1"}, 2)
    assert case(lambda conv, x: conv[0](x).relu_()) == ({"relu1": "conv1"}, 2)
    assert case(lambda conv, x: conv[0](x).relu().mul(2)) == ({"relu1": "conv1", "mul1": "conv1"}, 4)


def test_activation_of_what_others_read_too_does_not_vanish() -> None:
    def forward(conv: nn.ModuleList, x: Tensor) -> Tensor:
        y = conv[0](x)
        return torch.cat([y.relu(), conv[1](y)])

    assert case(forward) == ({}, 0)


def test_activation_of_a_result_does_not_vanish() -> None:
    def forward(conv: nn.ModuleList, x: Tensor) -> tuple[Tensor, Tensor]:
        y = conv[0](x)
        return y, y.relu()

    assert case(forward) == ({}, 0)


def test_activation_without_a_producer_has_its_own_kernel() -> None:
    assert case(lambda conv, x: conv[0](x.relu())) == ({}, 0)


@pytest.mark.parametrize("swapped", [False, True])
def test_residual_addition_joins_the_later_convolution(swapped: bool) -> None:
    def forward(conv: nn.ModuleList, x: Tensor) -> Tensor:
        around, through = conv[0](x), conv[1](x)
        return torch.add(*(through, around) if swapped else (around, through)).relu()

    # The addition no longer writes for the ReLU to read, nor does the second convolution for it.
    assert case(forward) == ({"add1": "conv2", "relu1": "conv2"}, 4)


def test_addition_of_the_input_joins() -> None:
    assert case(lambda conv, x: x + conv[0](x)) == ({"add1": "conv1"}, 2)


def test_addition_that_waits_for_a_later_operator_does_not_join() -> None:
    """The pooled mean is there only after the convolution is: what scales by it has to read the map again."""

    def forward(conv: nn.ModuleList, x: Tensor) -> Tensor:
        y = conv[0](x)
        return torch.mul(y, y.mean((2, 3), keepdim=True))

    assert case(forward) == ({}, 0)


def test_addition_that_waits_for_what_its_kernel_wrote_does_not_join() -> None:
    """Else the map before the ReLU would never be written, and the addition come before what it reads."""

    def forward(conv: nn.ModuleList, x: Tensor) -> Tensor:
        y = conv[0](x)
        return torch.add(y, y.relu().flip(0))

    assert case(forward) == ({}, 0)


@pytest.mark.parametrize(
    "view", [lambda y: y.flatten(1), lambda y: y.transpose(1, 2), lambda y: y.view(2, 2, 4, 6, 6), lambda y: y[:, :]]
)
def test_view_between_does_not_hinder(view: Callable[[Tensor], Tensor]) -> None:
    assert case(lambda conv, x: view(conv[0](x)).relu()) == ({"relu1": "conv1"}, 2)


def test_partial_view_between_does_hinder() -> None:
    assert case(lambda conv, x: conv[0](x).chunk(2, 1)[0].relu()) == ({}, 0)
    assert case(lambda conv, x: conv[0](x)[:, 2:].relu()) == ({}, 0)


@dataclass(frozen=True)
class Step:
    """One line of a random network: an operation on earlier maps, counted back from the latest."""

    operation: str
    operands: tuple[int, int]


UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "relu_": lambda a: a.relu_(),
    "sigmoid": torch.sigmoid,
    "reshaped": lambda a: a.reshape(-1, 4).tanh().view(a.shape),
    "part": lambda a: torch.cat([part.exp() for part in a.chunk(2, 1)], 1),
    "shuffled": lambda a: a.reshape(2, 2, 2, 6, 6).transpose(1, 2).reshape(2, 4, 6, 6),
    "scaled": lambda a: a * a.mean((2, 3), keepdim=True).sigmoid(),
    "pooled": lambda a: nn.functional.max_pool2d(a, 3, 1, 1),
    "normal": lambda a: nn.functional.layer_norm(a, (6, 6)),
}
BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "mul": torch.mul,
    "add_": lambda a, b: a.add_(b),
    "cat": lambda a, b: torch.cat([a, b], 1)[:, 2:6],
}
LAYERS = ("conv", "depthwise", "conv-norm")


class Random(nn.Module):
    """The network of ``steps``: (2, 4, 6, 6) at every one of them. The last ``results`` maps are its results."""

    def __init__(self, steps: list[Step], results: int) -> None:
        super().__init__()
        self.steps, self.results = steps, results
        make: dict[str, Callable[[], nn.Module]] = {
            "conv": lambda: nn.Conv2d(4, 4, 1),
            "depthwise": lambda: nn.Conv2d(4, 4, 3, padding=1, groups=4),
            "conv-norm": lambda: nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)),
        }
        self.layers = nn.ModuleList(make[s.operation]() if s.operation in LAYERS else nn.Identity() for s in steps)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = [x * 1]  # in-place steps leave the input alone
        for step, layer in zip(self.steps, self.layers, strict=True):
            a, b = (maps[-1 - back % len(maps)] for back in step.operands)
            if step.operation in LAYERS:
                maps.append(layer(a))
            elif step.operation in UNARY:
                maps.append(UNARY[step.operation](a))
            else:
                maps.append(BINARY[step.operation](a, b))
        return maps[-self.results :]


steps = st.builds(
    Step, st.sampled_from([*LAYERS * 2, *UNARY, *BINARY]), st.tuples(st.integers(0, 2), st.integers(0, 4))
)


@settings(max_examples=100, deadline=None)
@given(st.lists(steps, min_size=1, max_size=12), st.integers(1, 2))
def test_fused_on_random_networks(lines: list[Step], results: int) -> None:
    with torch.device("meta"):
        model, x = Random(lines, results).eval(), torch.empty(2, 4, 6, 6)
    folded, fused = profiles(model, x)
    # Never more than folded, in total and for each operator; the same arithmetic; a kernel less for each that joins.
    pairs = list(zip(folded.operators, fused.operators, strict=True))
    for one, other in pairs:
        assert one.operator.name == other.operator.name
        assert (one.cost.madds, one.cost.other_ops) == (other.cost.madds, other.cost.other_ops)
        assert other.cost.mac_elements <= one.cost.mac_elements
        assert other.cost.mac_bytes <= one.cost.mac_bytes
    joined = [op for op in fused.network.operators if op.kernel]
    assert folded.total.operators - fused.total.operators == len(joined)

    # What stays in registers is no result, and is read by operators of its kernel alone.
    for index in fused.network.outputs:
        assert fused.network.tensors[index].elements
    for operator in fused.network.operators:
        in_registers = [index for index in operator.inputs if fused.network.tensors[index].elements == 0]
        assert all(fused.maker(index) is not None for index in in_registers)
        assert operator.view or bool(operator.kernel) == bool(in_registers)


def kernels(fused: Profile) -> dict[str, str]:
    """A member of the kernel in which each operator runs: that of whatever it reads from registers or views."""
    member = {operator.name: operator.name for operator in fused.network.operators}

    def found(name: str) -> str:
        while member[name] != name:
            name = member[name]
        return name

    for operator in fused.network.operators:
        for index in operator.inputs:
            maker = fused.maker(index)
            if maker is not None and (operator.view or fused.network.tensors[index].elements == 0):
                member[found(operator.name)] = found(maker.operator.name)
    return {name: found(name) for name in member}


def read_of_own_kernel(conv: nn.ModuleList, x: Tensor) -> tuple[Tensor, Tensor]:
    y = conv[0](x)
    r = y.relu()
    return conv[1](r), r.sigmoid() + y


def wait_for_own_kernel(conv: nn.ModuleList, x: Tensor) -> tuple[Tensor, Tensor]:
    y = conv[0](x)
    r = y.relu()
    s = r + r
    return torch.cat([r, s]), s + y


@pytest.mark.parametrize("forward", [read_of_own_kernel, wait_for_own_kernel])
def test_kernels_are_whole(forward: Callable[..., Any]) -> None:
    """Kernels can run one after another, and what each ``kernel`` says is what registers say."""
    with torch.device("meta"):
        _, fused = profiles(Written(forward), torch.empty(2, 8, 6, 6))
    kernel = kernels(fused)
    waits: dict[str, set[str]] = {name: set() for name in kernel.values()}
    names = [operator.name for operator in fused.network.operators]
    for before, after in data_flow(fused.network).edges:
        if kernel[names[before]] != kernel[names[after]]:
            waits[kernel[names[after]]].add(kernel[names[before]])
    TopologicalSorter(waits).prepare()
    assert fused.total.operators == len(
        {kernel[operator.name] for operator in fused.network.operators if not operator.view}
    )


def test_map_and_its_transpose_do_not_meet_in_registers() -> None:
    def forward(conv: nn.ModuleList, x: Tensor) -> Tensor:
        y = conv[0](x)
        return torch.add(y, y.transpose(2, 3))

    assert case(forward) == ({}, 0)


def test_savings_of_several_readers_add_up_to_fused() -> None:
    def forward(conv: nn.ModuleList, x: Tensor) -> Tensor:
        y = conv[0](x)
        return torch.mul(y, y.sigmoid())

    with torch.device("meta"):
        model, x = Written(forward), torch.empty(2, 8, 6, 6)
    folded, fused = profiles(model, x)
    saved = sum(finding.saving.mac_elements for finding in findings("G4", model, x))
    assert saved == folded.total.mac_elements - fused.total.mac_elements


def test_each_place_is_listed_once() -> None:
    with torch.device("meta"):
        found = findings("G4", nn.Sequential(nn.ReLU(), nn.Conv2d(8, 8, 1)), torch.empty(1, 8, 6, 6))
    assert len(found) == 1


def test_equal_widths_can_be_built_with_groups() -> None:
    layer = Layer(68, 248, side=28, batch=1, kernel=(1, 1), groups=4)  # ShuffleNetV1 with 4 groups, stage2.0
    (finding,) = findings("G1", *layer.build())
    assert finding.counterfactual["instead"]["c_in"] % layer.groups == 0

"""What holds for whatever network: random trees of modules, captured, run, costed and judged."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from torch import Tensor, fx, nn

from mac_audit import engine
from mac_audit.capture import capture
from mac_audit.cost import Cost
from mac_audit.device_file import find
from mac_audit.execution import EXECUTIONS
from mac_audit.lower import lower
from mac_audit.network import Network, Operator
from mac_audit.profile import Profile
from mac_audit.report import Report
from mac_audit.rule import discover
from tests.costing import meta, torch_madds

few = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
Plan = tuple[Any, ...]  # what a module is, and its parts; channels are those of its input
CHANNELS, SIDE = 4, 6
KEEPING = ("depthwise", "norm", "group-norm", "relu", "relu_", "gelu", "gram", "max-pool", "average-pool")


# One tree with a part of every kind, which each property sees first.
EVERY_KIND: Plan = (
    "sequence",
    (
        ("conv", 8, 3, 2, False),
        ("norm",),
        ("relu_",),
        ("residual", (("conv", 8, 1, 1, True), ("relu",), ("depthwise",), ("group-norm",), ("gelu",))),
        ("concat", (("linear", 4), ("sum", (("max-pool",), ("relu",))), ("product", (("average-pool",), ("gram",))))),
        ("again", (("conv", 4, 1, 1, False), ("norm",), ("relu_",)), 2),
    ),
)


def plans() -> st.SearchStrategy[Plan]:
    """Trees of modules that keep the resolution; ``residual`` and ``again`` fit any width to their input's."""
    width = st.sampled_from([2, 4, 8, 12])
    leaves = st.one_of(
        st.tuples(st.just("conv"), width, st.sampled_from([1, 3]), st.sampled_from([1, 2]), st.booleans()),
        st.tuples(st.just("linear"), width),
        st.tuples(st.sampled_from(KEEPING)),
    )
    return st.recursive(leaves, _composed, max_leaves=9)


def _composed(inner: st.SearchStrategy[Plan]) -> st.SearchStrategy[Plan]:
    several = st.lists(inner, min_size=1, max_size=4).map(tuple)
    kinds = st.sampled_from(["sequence", "sum", "product", "concat", "residual"])
    return st.one_of(st.tuples(kinds, several), st.tuples(st.just("again"), several, st.integers(2, 3)))


class Tree(nn.Module):
    """A part of a network; its parts are attributes, by names that ``named`` says."""

    def __init__(self, plan: Plan, channels: int, named: Callable[[int], str]) -> None:
        super().__init__()
        self.kind, parts, *rest = plan
        self.rounds = rest[0] if rest else 1
        self.names = [named(i) for i in range(len(parts))]
        self.width = channels  # of what it returns
        widths = []
        for name, part in zip(self.names, parts, strict=True):
            module, width = build(
                part, self.width if self.kind in ("sequence", "again", "residual") else channels, named
            )
            self.add_module(name, module)
            self.width = width
            widths.append(width)
        if self.kind == "concat":
            self.width = sum(widths)
        elif self.kind in ("again", "residual") and self.width != channels:
            self.fit, self.width = nn.Conv2d(self.width, channels, 1), channels
        elif self.kind in ("sum", "product"):
            self.width = min(widths)

    def forward(self, x: Tensor) -> Tensor:
        parts = [getattr(self, name) for name in self.names]
        if self.kind in ("sequence", "again", "residual"):
            y = x
            for _ in range(self.rounds):
                for part in parts:
                    y = part(y)
                y = self.fit(y) if hasattr(self, "fit") else y
            return x + y if self.kind == "residual" else y
        results = [part(x) for part in parts]
        if self.kind == "concat":
            return torch.cat(results, 1)
        total, *others = (result[:, : self.width] for result in results)
        for other in others:
            total = total + other if self.kind == "sum" else total * other
        return total


class Tokens(nn.Module):
    """A linear layer at each position."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Gram(nn.Module):
    """Products of activations, one for each of the batch."""

    def forward(self, x: Tensor) -> Tensor:
        maps = x.flatten(2)
        return (maps @ maps.transpose(1, 2) @ maps / SIDE**2).view(x.shape)


def build(plan: Plan, channels: int, named: Callable[[int], str]) -> tuple[nn.Module, int]:
    """The module, and the channels that it returns."""
    kind, *rest = plan
    if kind == "conv":
        width, kernel, groups, bias = rest
        return nn.Conv2d(channels, width, kernel, padding=kernel // 2, groups=groups, bias=bias), width
    if kind == "linear":
        return Tokens(channels, rest[0]), rest[0]
    keeping: dict[str, Callable[[], nn.Module]] = {
        "depthwise": lambda: nn.Conv2d(channels, channels, 3, padding=1, groups=channels),
        "norm": lambda: nn.BatchNorm2d(channels),
        "group-norm": lambda: nn.GroupNorm(2, channels),
        "relu": nn.ReLU,
        "relu_": lambda: nn.ReLU(inplace=True),
        "gelu": nn.GELU,
        "gram": Gram,
        "max-pool": lambda: nn.MaxPool2d(3, 1, 1),
        "average-pool": lambda: nn.AvgPool2d(3, 1, 1),
    }
    if kind in keeping:
        return keeping[kind](), channels
    tree = Tree(plan, channels, named)
    return tree, tree.width


def model(plan: Plan, named: Callable[[int], str] = lambda i: f"part{i}") -> nn.Module:
    """The network, which begins with a convolution, so that there is something to run."""
    torch.manual_seed(0)
    first = ("conv", CHANNELS, 3, 1, True)
    return build(("sequence", (first, plan)), CHANNELS, named)[0].eval()


def captured(plan: Plan, batch: int = 1, **named: Any) -> Network:
    return lower(capture(model(plan, **named), meta(batch, CHANNELS, SIDE, SIDE)))


def report(network: Network, execution: str = "folded") -> Report:
    rules = [rule for rule in discover() if not rule.lacks(())]
    return engine.audit(Profile(network, execution, find("v100")), rules, target="random")


@few
@given(plans())
@example(EVERY_KIND)
def test_the_graph_computes_what_the_model_computes(plan: Plan) -> None:
    net, x = model(plan), torch.randn(2, CHANNELS, SIDE, SIDE)
    for module in net.modules():  # folding and the order of operators show with statistics that do something
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    graph = capture(net, x.to("meta"))
    with torch.no_grad():
        torch.testing.assert_close(fx.Interpreter(graph).run(x.clone()), net(x), rtol=0, atol=0)


@few
@given(plans(), st.integers(1, 2))
@example(EVERY_KIND, 2)
def test_multiply_adds_are_torchs(plan: Plan, batch: int) -> None:
    network = captured(plan, batch)
    counted = torch_madds(model(plan), meta(batch, CHANNELS, SIDE, SIDE))
    assert {Profile(network, execution).total.madds for execution in EXECUTIONS} == {counted}


@few
@given(plans(), st.sampled_from(sorted(EXECUTIONS)))
@example(EVERY_KIND, "folded")
def test_the_cost_is_the_sum_of_its_operators_in_every_view(plan: Plan, execution: str) -> None:
    network = captured(plan)
    profile = Profile(network, execution)
    total = _sum(costed.cost for costed in profile.operators)
    assert total == profile.total == _sum(profile.classes.values()) == _sum(row.own for row in profile.layers)
    for row in profile.layers:
        path = f"{row.layer.path}." if row.depth else ""
        assert row.total == _sum(c.cost for c in profile.operators if f"{c.operator.layer}.".startswith(path))
    found = report(network, execution)
    for name in ("madds", "mac_elements", "mac_bytes"):
        whole = getattr(found.totals, name)
        assert whole == sum(getattr(row, name) for row in found.operators)
        assert whole == sum(getattr(row, name) for row in found.classes.values())
        assert whole == sum(getattr(row.own, name) for row in found.layers) == getattr(found.layers[0], name)
    assert math.isclose(found.totals.predicted_ms or 0, math.fsum(row.predicted_ms or 0 for row in found.operators))
    assert found.totals.params == sum(p.numel() for p in model(plan).parameters()) == found.layers[0].params
    placed = Counter(position for block in found.blocks for position in block.operators)
    assert set(placed) <= set(range(len(found.operators)))
    assert set(placed.values()) <= {1}  # blocks do not overlap


@few
@given(plans())
@example(EVERY_KIND)
def test_documents_hold_everything(plan: Plan) -> None:
    network = captured(plan)
    again = Network.from_json(network.to_json())
    assert again == network
    assert repr(again) == repr(network)  # also what does not count in comparisons, and True is not 1
    assert report(again) == report(network)
    assert repr(Report.from_json(report(network).to_json())) == repr(report(network))


@few
@given(plans())
@example(EVERY_KIND)
def test_what_folds_and_fuses_costs_no_more(plan: Plan) -> None:
    network = captured(plan)
    eager, folded, fused = (Profile(network, name) for name in ("eager", "folded", "fused"))
    for heavy, light in ((eager, folded), (folded, fused)):
        for name in ("other_ops", "mac_elements", "mac_bytes", "reads_activation", "writes", "operators"):
            assert getattr(light.total, name) <= getattr(heavy.total, name), name
        assert light.peak.memory <= heavy.peak.memory
    for index in map(folded.whole, folded.in_registers):
        assert index not in network.outputs
        assert kernels_that_read(index, fused.network) == {kernel_of(fused.network.producers[index])}
    begun: list[str] = []  # kernels, when an operator of theirs runs; all that a kernel reads is there when it begins
    for costed in fused.working:
        kernel = kernel_of(costed.operator)
        begun += () if kernel in begun else (kernel,)
        makers = filter(None, map(fused.maker, costed.operator.inputs))
        read = {kernel_of(maker.operator) for maker in makers if maker.coverage != "free"}
        assert all(begun.index(other) <= begun.index(kernel) for other in read)


def kernel_of(operator: Operator) -> str:
    return operator.kernel or operator.name


def kernels_that_read(index: int, network: Network) -> set[str]:
    """Through views, which run in none."""
    found: set[str] = set()
    for operator in network.readers.get(index, ()):
        inner = (kernels_that_read(view, network) for view in operator.outputs)
        found |= set().union(*inner) if operator.view else {kernel_of(operator)}
    return found


@few
@given(plans(), st.lists(st.from_regex(r"[ab]_{1,3}", fullmatch=True), min_size=6, max_size=6, unique=True))
@example(EVERY_KIND, ["a_", "a__", "b_", "b__", "a___", "b___"])
def test_names_change_nothing(plan: Plan, names: Sequence[str]) -> None:
    before, after = report(captured(plan)), report(captured(plan, named=names.__getitem__))
    assert (before.totals, before.classes) == (after.totals, after.classes)
    assert [replace(row, layer="") for row in before.operators] == [replace(row, layer="") for row in after.operators]
    assert [replace(row, path="") for row in before.layers] == [replace(row, path="") for row in after.layers]
    assert [(rule.code, rule.verdict, rule.value) for rule in before.rules] == [
        (rule.code, rule.verdict, rule.value) for rule in after.rules
    ]
    assert Counter((f.code, f.value, f.saving) for f in before.findings) == Counter(
        (f.code, f.value, f.saving) for f in after.findings
    )


@few
@given(plans(), st.integers(2, 5), st.sampled_from(sorted(EXECUTIONS)))
@example(EVERY_KIND, 3, "eager")
def test_batch_scales_activations_and_not_weights(plan: Plan, batch: int, execution: str) -> None:
    # Not from a batch of one: of one image, a permuted map is seen as a matrix, of several it has to be copied first.
    one, many = (Profile(captured(plan, size), execution).total for size in (2, 2 * batch))
    assert (many.reads_weight, many.operators) == (one.reads_weight, one.operators)
    for name in ("madds", "other_ops", "reads_activation", "writes"):
        assert getattr(many, name) == batch * getattr(one, name), name


def _sum(costs: Any) -> Cost:
    return sum(costs, Cost())

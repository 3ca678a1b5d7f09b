"""Work grows with the size of a model and no faster, counted in calls; modules may nest and refer to each other.

``python -m tests.benchmarks.bench_scale`` measures the same in seconds and memory, up to 100,000 operators.
"""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mac_audit import MacAuditError, engine, profile, recorder
from mac_audit.api import audit
from mac_audit.capture import record
from mac_audit.construction import construct
from mac_audit.device_file import find
from mac_audit.garbage import collected_later
from mac_audit.lower import lower
from mac_audit.network import Network
from mac_audit.profile import Profile
from mac_audit.recorder import Recorder
from mac_audit.report import Report
from mac_audit.reporters import View, reporter
from mac_audit.rule import discover
from mac_audit.suppress import LayerIgnore, suppressed
from tests.scaling import SHAPES, Residual, Summed, Wide, given

SIZES = (60, 120, 240)  # operators
TOLD = {"limit": 0.0, "negligible": 0.0}  # every place is a finding
OPTIONS = {"G1": TOLD, "G2": TOLD, "G3": {"limit": 0.0}, "G4": TOLD}


def calls(function: Callable[[], Any]) -> tuple[int, Any]:
    """How often Python called something, generators that went on included; and the result."""
    count = 0

    def called(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        result = function()
    finally:
        sys.setprofile(None)
    return count, result


class Index(int):
    """An integer that is called when it is compared, so that a search through a tuple shows."""

    def __eq__(self, other: object) -> bool:
        return int.__eq__(self, other)  # type: ignore[arg-type]

    def __hash__(self) -> int:
        return int.__hash__(self)


class Name(str):
    """A text like that."""

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        return str.__hash__(self)


def compared(value: Any) -> Any:
    """``value``, the same of what it is made of, so that to compare two of its tensors or names is a call."""
    if type(value) in (int, str):
        return Index(value) if type(value) is int else Name(value)
    if isinstance(value, tuple):
        return tuple(map(compared, value))
    if isinstance(value, dict):
        return {key: compared(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value):
        return dataclasses.replace(
            value, **{f.name: compared(getattr(value, f.name)) for f in dataclasses.fields(value)}
        )
    return value


def stages(shape: str, size: int) -> dict[str, int]:
    """The calls that each stage of an audit takes."""
    found: dict[str, int] = {}
    rules = [rule for rule in discover() if not rule.lacks(())]

    def stage(name: str, function: Callable[[], Any]) -> Any:
        found[name], result = calls(function)
        return result

    model, _ = stage("build", lambda: construct(lambda: SHAPES[shape](size), shape))
    network = stage("capture and lower", lambda: lower(record(model, given(shape))))
    stage("to JSON and back", lambda: Network.from_json(network.to_json()))
    network = compared(network)
    stage("fused", lambda: Profile(network, "fused").total)
    costed = Profile(network, device=find("v100"))
    for part in ("layers", "structure", "peak", "in_registers", "feeders"):
        stage(part, lambda part=part: getattr(costed, part))
    for rule in rules:
        stage(rule.code, lambda rule=rule: rule(costed, **OPTIONS[rule.code]))
    report = stage("report", lambda: engine.audit(costed, rules, options=OPTIONS, target=shape))
    stage("suppressed", lambda: suppressed(report, costed, rules, [LayerIgnore("nothing", "")]))
    stage("-o json and back", lambda: Report.from_json(reporter("json")([report], View())))
    return found


@pytest.mark.parametrize("shape", SHAPES)
def test_calls_grow_with_the_operators(shape: str) -> None:
    with collected_later():  # a collection calls what it finds to be gone
        stages(shape, 30)  # what is imported, compiled and remembered once
        small, middle, large = (stages(shape, size) for size in SIZES)
    growth = {name: (large[name] - middle[name]) / max(middle[name] - small[name], 100) for name in small}
    assert max(growth.values()) < 2.2, growth  # 2 is linear, 4 quadratic


def nested(depth: int) -> nn.Module:
    module: nn.Module = nn.ReLU()
    for _ in range(depth):
        module = nn.Sequential(module)
    return module


def runs(model: nn.Module, x: Tensor) -> bool:
    try:
        model(x)
    except RecursionError:
        return False
    return True


def test_modules_may_nest_as_deep_as_torch_runs_them() -> None:
    x = torch.zeros(1, 8)
    depth = max(depth for depth in range(0, 600, 20) if runs(nested(depth), x))
    assert depth > 100
    report = audit(nested(depth), x)
    assert report.totals.operators == 1
    assert max(row.depth for row in report.layers) == depth


@pytest.fixture
def limit_of_python() -> Iterator[int]:
    """The limit of calls that Python has by itself, whatever libraries that were imported before made of it."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000)
    yield 1_000
    sys.setrecursionlimit(before)


@pytest.mark.parametrize("depth", [700, 1_200, 5_000])  # beyond what torch can call, and what it can enumerate
def test_what_nests_deeper_is_told_in_a_sentence(depth: int, limit_of_python: int) -> None:
    with pytest.raises(MacAuditError, match=f"Sequential calls deeper than Python's limit of {limit_of_python} calls"):
        audit(nested(depth), torch.zeros(1, 8))
    assert sys.getrecursionlimit() == limit_of_python


class Cyclic(nn.Module):
    """A module that is its own descendant: as an attribute, so that torch registers it, and in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        self.child = nn.Module()
        self.child.parent = self
        self.child.above = [self]
        self.child.drop = nn.Dropout()  # behind the cycle, where torch's eval() does not come

    def forward(self, x: Tensor) -> Tensor:
        return self.child.drop(self.child.above[0].conv(x))


def test_a_module_may_hold_what_holds_it() -> None:
    model = Cyclic()
    with pytest.raises(RecursionError):
        model.eval()  # torch's own finds no end
    for module in model.modules():
        module.training = True
    report = audit(model, torch.zeros(1, 8, 4, 4))
    assert (report.totals.params, report.totals.madds) == (8 * 8 + 8, 8 * 8 * 16)
    assert [row.path for row in report.layers] == ["", "conv", "child", "child.drop"]
    assert [row.target for row in report.operators] == ["aten.convolution.default"]  # in eval mode nothing is dropped
    assert all(module.training for module in model.modules())  # as before


def test_a_module_in_a_thousand_places_is_one_layer() -> None:
    conv = nn.Conv2d(8, 8, 1)
    report = audit(nn.Sequential(*[conv] * 1_000), torch.empty(1, 8, 4, 4, device="meta"))
    assert (report.totals.params, report.totals.operators) == (8 * 8 + 8, 1_000)
    assert [(row.path, row.calls) for row in report.layers] == [("", 1), ("0", 1_000)]


def audited(model: nn.Module) -> tuple[int, Report]:
    """The calls that an audit takes, and the report."""
    with collected_later():
        return calls(lambda: audit(model, given("wide")))


def test_ten_thousand_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = 2_500  # a sequence of convolution, norm and activation, each a module, as is the list and the model
    seen: Counter[str] = Counter()

    def counted(owner: Any, name: str) -> None:
        function = getattr(owner, name)

        def counting(*args: Any) -> Any:
            seen[name] += 1
            return function(*args)

        monkeypatch.setattr(owner, name, counting)

    for owner, name in ((Recorder, "enter"), (recorder, "caller"), (profile, "cost_of"), (profile, "_parent")):
        counted(owner, name)
    report = audit(Residual(4 * blocks), given("residual"))
    assert len(report.layers) == 4 * blocks + 2 > 10_000
    assert report.totals.operators == 3 * blocks  # the norms are folded; an addition
    assert report.totals.madds == blocks * 8 * 8 * 64
    assert report.totals.params == blocks * (8 * 8 + 2 * 8)
    assert seen["enter"] == 4 * blocks + 1  # once for each module but the list, which nobody calls
    assert seen["caller"] == 5 * blocks  # for each operator; a norm first sets memory aside for its statistics
    assert seen["cost_of"] == 4 * blocks  # for each but the norms
    assert seen["_parent"] == 4 * blocks + 1  # for each layer but the model


@pytest.mark.parametrize(("joined", "operators"), [(Wide, 1_000 + 1), (Summed, 1_000 + 999)])
def test_a_thousand_branches(joined: type[nn.Module], operators: int) -> None:
    audited(joined(20))
    few, _ = audited(joined(100))
    many, report = audited(joined(1_000))
    assert many < 10.5 * few
    assert (report.totals.operators, report.totals.madds) == (operators, 1_000 * 8 * 8 * 64)
    block = max(report.blocks, key=lambda block: block.width)
    assert (block.width, block.depth, len(block.operators)) == (1_000, 1, 1_000)
    g3 = next(rule for rule in report.rules if rule.code == "G3")
    assert (g3.verdict, g3.value) == ("fail", 1_000)  # fragments ÷ those on the longest chain
    (finding,) = (finding for finding in report.findings if finding.code == "G3")
    assert finding.saving.mac_elements == 999 * 8 * 64  # one wider layer reads the tensor once

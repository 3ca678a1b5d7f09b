"""Work grows with the size of a model and no faster, counted in calls; modules may nest and refer to each other.

``python -m tests.benchmarks.bench_scale`` measures the same in seconds and memory, up to 100,000 operators.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mac_audit import MacAuditError, engine
from mac_audit.api import audit
from mac_audit.capture import record
from mac_audit.construction import construct
from mac_audit.device_file import find
from mac_audit.garbage import collected_later
from mac_audit.lower import lower
from mac_audit.network import Network
from mac_audit.profile import Profile
from mac_audit.report import Report
from mac_audit.reporters import View, reporter
from mac_audit.rule import discover
from mac_audit.suppress import LayerIgnore, suppressed
from tests.scaling import SHAPES

SIZES = (60, 120, 240)  # operators


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


def stages(shape: str, size: int) -> dict[str, int]:
    """The calls that each stage of an audit takes."""
    found: dict[str, int] = {}
    x = torch.empty(1, 8, 8, 8, device="meta")
    rules = [rule for rule in discover() if not rule.lacks(())]

    def stage(name: str, function: Callable[[], Any]) -> Any:
        found[name], result = calls(function)
        return result

    model, _ = stage("build", lambda: construct(lambda: SHAPES[shape](size), shape))
    network = stage("capture and lower", lambda: lower(record(model, x)))
    stage("to JSON and back", lambda: Network.from_json(network.to_json()))
    stage("fused", lambda: Profile(network, "fused").total)
    profile = Profile(network, device=find("v100"))
    for part in ("layers", "structure", "peak", "in_registers", "feeders"):
        stage(part, lambda part=part: getattr(profile, part))
    for rule in rules:
        stage(rule.code, lambda rule=rule: rule(profile))
    report = stage("report", lambda: engine.audit(profile, rules, target=shape))
    stage("suppressed", lambda: suppressed(report, profile, rules, [LayerIgnore("nothing", "")]))
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
        self.child = nn.Sequential(nn.Dropout())
        self.child.parent = self
        self.child.above = [self]

    def forward(self, x: Tensor) -> Tensor:
        return self.child[0](self.child.above[0].conv(x))


def test_a_module_may_hold_what_holds_it() -> None:
    model = Cyclic()
    with pytest.raises(RecursionError):
        model.eval()  # torch's own finds no end
    for module in model.modules():
        module.training = True
    report = audit(model, torch.zeros(1, 8, 4, 4))
    assert (report.totals.params, report.totals.madds) == (8 * 8 + 8, 8 * 8 * 16)
    assert [row.path for row in report.layers] == ["", "conv", "child", "child.0"]
    assert [row.target for row in report.operators] == ["aten.convolution.default"]  # in eval mode nothing is dropped
    assert all(module.training for module in model.modules())  # as before


def test_a_module_in_a_thousand_places_is_one_layer() -> None:
    conv = nn.Conv2d(8, 8, 1)
    report = audit(nn.Sequential(*[conv] * 1_000), torch.empty(1, 8, 4, 4, device="meta"))
    assert (report.totals.params, report.totals.operators) == (8 * 8 + 8, 1_000)
    assert [(row.path, row.calls) for row in report.layers] == [("", 1), ("0", 1_000)]

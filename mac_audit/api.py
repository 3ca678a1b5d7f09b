"""The audit of a module in one call, for programs, tests and notebooks."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from typing import Any, Literal

from torch import nn

from mac_audit.capture import Way, record
from mac_audit.device import Device
from mac_audit.device_file import find
from mac_audit.experiments.kept import evidence_on
from mac_audit.garbage import collected_later
from mac_audit.job import judged
from mac_audit.load import Loaded, load
from mac_audit.lower import lower
from mac_audit.measuring.store import known_times
from mac_audit.network import Network
from mac_audit.plugins import load_plugins
from mac_audit.profile import Profile
from mac_audit.report import Report, Severity
from mac_audit.request import Request
from mac_audit.rule import Rule, discover
from mac_audit.selection import Layer, budgeted, checked, choose


@collected_later()
def audit(
    model: nn.Module,
    inputs: Any,
    *,
    execution: str = "folded",
    device: Device | str | None = None,
    flop_convention: Literal["paper", "torch"] = "paper",
    select: Sequence[str] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    budgets: Mapping[str, str | float] | None = None,
    fail_on: Severity = "error",
    rules: Sequence[Rule] | None = None,
    target: str | None = None,
    construction: str = "model as given",
    origin: str = "inputs as given",
    way: Way = "auto",
) -> Report:
    """Capture ``model`` on ``inputs``, cost it and judge it; the model is unchanged afterwards.

    ``inputs`` is a tensor, a tuple or list of positional arguments, or a dict of keyword arguments; tensors on the
    meta device do. ``select`` names the rules that run, all by default; ``options`` are theirs by code or name
    (``{"G1": {"limit": 0.1, "severity": "warning"}}``); ``budgets`` are what the model may cost (``{"madds": "300 M",
    "mac": "25 MB"}``). ``fail_on`` is the least severity that makes the verdict fail. ``rules`` stand in for the
    installed ones, ``way`` is that of ``capture``. Times are predicted for ``device``, where one is given. Raises
    ``MacAuditError`` where the model cannot be captured, or a rule or option does not exist.
    """
    name = target or type(model).__name__
    chosen = find(device) if isinstance(device, str) else device
    network = lower(record(model, inputs, way), construction, origin)
    profile = Profile(network, execution, chosen, known_times(chosen), evidence_on(chosen))
    return _judged(profile, name, rules, select, options, budgets, fail_on=fail_on, flop_convention=flop_convention)


def load_request(request: Request) -> Loaded:
    """The model that ``request`` names, with the inputs that it asks for."""
    return load(request.target, request.arguments, request.inputs, **_sizes(request))


def trace(request: Request) -> Network:
    """Load the model that ``request`` names and capture it."""
    return traces(request)(request)


def traces(request: Request) -> Callable[[Request], Network]:
    """Load the model that ``request`` names once, to capture it for requests that differ in the sizes of inputs."""
    with chdir(os.curdir):  # code that changes the directory does not decide where reports go
        loaded = load_request(request)
        there = os.getcwd()

    def traced(wanted: Request) -> Network:
        with chdir(there):
            at = loaded if _sizes(wanted) == _sizes(request) else loaded.at(**_sizes(wanted))
            return lower(record(at.model, at.inputs, wanted.capture), at.construction, at.origin)

    return traced


def _sizes(request: Request) -> dict[str, Any]:
    return {name: getattr(request, name) for name in ("batch", "seq_len", "resolution", "phase")}


def audit_request(
    request: Request,
    *,
    flop_convention: Literal["paper", "torch"] = "paper",
    rules: Sequence[Rule] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> Report:
    """Load what ``request`` names and audit it; ``rules`` and ``options`` are those of ``audit``."""
    plugins = load_plugins(request.plugins)
    device = find(request.device) if request.device else None  # a name that is wrong is told before the model is built
    profile = Profile(trace(request), request.execution, device, known_times(device), evidence_on(device))
    known = discover(plugins) if rules is None else rules
    return _judged(profile, request.target, known, None, options, None, flop_convention=flop_convention)


def _judged(
    profile: Profile,
    target: str,
    rules: Sequence[Rule] | None,
    select: Sequence[str] | None,
    options: Mapping[str, Mapping[str, Any]] | None,
    budgets: Mapping[str, Any] | None,
    **told: Any,
) -> Report:
    known = discover() if rules is None else rules
    by_code, limits = checked(known, options or {}, "options"), budgeted(known, budgets or {}, "budgets")
    given = {code: by_code.get(code, {}) | limits.get(code, {}) for code in by_code.keys() | limits.keys()}
    layer = Layer("audit()", None if select is None else tuple(select))
    return judged(profile, known, choose(known, [layer], given), target=target, **told)

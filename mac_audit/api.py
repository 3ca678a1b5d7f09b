"""The audit of a module in one call, for programs, tests and notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from torch import nn

from mac_audit.capture import Way, record
from mac_audit.device import Device
from mac_audit.device_file import find
from mac_audit.garbage import collected_later
from mac_audit.job import judged, profiled
from mac_audit.lower import lower
from mac_audit.report import Report, Severity
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
    known = discover() if rules is None else rules
    by_code, limits = checked(known, options or {}, "options"), budgeted(known, budgets or {}, "budgets")
    given = {code: by_code.get(code, {}) | limits.get(code, {}) for code in by_code.keys() | limits.keys()}
    layer = Layer("audit()", None if select is None else tuple(select))
    choices = choose(known, [layer], given)
    chosen = find(device) if isinstance(device, str) else device
    network = lower(record(model, inputs, way), construction, origin)
    return judged(
        profiled(network, execution, chosen),
        known,
        choices,
        target=target or type(model).__name__,
        fail_on=fail_on,
        flop_convention=flop_convention,
    )

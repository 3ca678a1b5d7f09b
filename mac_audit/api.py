"""The audit of a module in one call, for programs and notebooks."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import nn

from mac_audit import engine
from mac_audit.capture import Way, record
from mac_audit.device import Device
from mac_audit.device_file import find, is_calibrated
from mac_audit.load import load
from mac_audit.lower import lower
from mac_audit.profile import Profile
from mac_audit.report import Report
from mac_audit.request import Request
from mac_audit.rule import Rule, discover
from mac_audit.timings import Timings


def audit(
    model: nn.Module,
    inputs: Any,
    *,
    execution: str = "folded",
    device: Device | str | None = None,
    flop_convention: Literal["paper", "torch"] = "paper",
    rules: Sequence[Rule] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    target: str | None = None,
    construction: str = "model as given",
    way: Way = "auto",
) -> Report:
    """Capture ``model`` on ``inputs``, cost it and judge it.

    ``inputs`` is a tensor, a tuple or list of positional arguments, or a dict of keyword arguments; tensors on the
    meta device do. ``rules`` are all installed ones by default, ``options`` theirs by code (``{"G1": {"limit":
    0.1}}``), ``way`` that of ``capture``. Times are predicted for ``device``, where one is given. The model is
    unchanged afterwards. Raises ``MacAuditError`` where the model cannot be captured.
    """
    chosen = find(device) if isinstance(device, str) else device
    known = Timings(chosen.name, torch.__version__).measured if chosen is not None and is_calibrated(chosen) else None
    with _without_collections():
        profile = Profile(lower(record(model, inputs, way), construction), execution, chosen, known)
        return engine.audit(
            profile,
            discover() if rules is None else rules,
            target=target or type(model).__name__,
            options=options,
            flop_convention=flop_convention,
        )


def audit_request(
    request: Request,
    *,
    flop_convention: Literal["paper", "torch"] = "paper",
    rules: Sequence[Rule] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> Report:
    """Load what ``request`` names and audit it; ``rules`` and ``options`` are those of ``audit``."""
    device = find(request.device) if request.device else None  # a name that is wrong is told before the model is built
    loaded = load(request.target, request.arguments, request.inputs)
    return audit(
        loaded.model,
        loaded.inputs,
        execution=request.execution,
        device=device,
        flop_convention=flop_convention,
        rules=rules,
        options=options,
        target=request.target,
        construction=loaded.construction,
        way=request.capture,
    )


@contextmanager
def _without_collections() -> Iterator[None]:
    """Let the garbage collector wait: an audit makes many objects that all stay, and looking through them is slow."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()

"""The audit of a module in one call, for programs and notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from torch import nn

from mac_audit import engine
from mac_audit.capture import Way, record
from mac_audit.load import load
from mac_audit.lower import lower
from mac_audit.profile import Profile
from mac_audit.report import Report
from mac_audit.request import Request
from mac_audit.rule import Rule, discover


def audit(
    model: nn.Module,
    inputs: Any,
    *,
    execution: str = "folded",
    flop_convention: Literal["paper", "torch"] = "paper",
    rules: Sequence[Rule] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    target: str | None = None,
    construction: str = "model as given",
    origin: str = "inputs as given",
    way: Way = "auto",
) -> Report:
    """Capture ``model`` on ``inputs``, cost it and judge it.

    ``inputs`` is a tensor, a tuple or list of positional arguments, or a dict of keyword arguments; tensors on the
    meta device do. ``rules`` are all installed ones by default, ``options`` theirs by code (``{"G1": {"limit":
    0.1}}``), ``way`` that of ``capture``. The model is unchanged afterwards. Raises ``MacAuditError`` where the model
    cannot be captured.
    """
    profile = Profile(lower(record(model, inputs, way), construction, origin), execution)
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
    loaded = load(
        request.target,
        request.arguments,
        request.inputs,
        batch=request.batch,
        seq_len=request.seq_len,
        resolution=request.resolution,
        phase=request.phase,
    )
    return audit(
        loaded.model,
        loaded.inputs,
        execution=request.execution,
        flop_convention=flop_convention,
        rules=rules,
        options=options,
        target=request.target,
        construction=loaded.construction,
        origin=loaded.origin,
        way=request.capture,
    )

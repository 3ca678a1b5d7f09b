"""Lints neural-network architectures for what they really cost.

``mac_audit.audit(model, inputs)`` gives a ``Report``, ``mac_audit.capture(model, inputs)`` the FX graph behind it.
The names below are imported when first used, so that ``import mac_audit`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mac_audit.api import audit
    from mac_audit.capture import capture
    from mac_audit.cost import Cost
    from mac_audit.errors import MacAuditError
    from mac_audit.report import Finding, Report
    from mac_audit.rule import rule

__all__ = ["Cost", "Finding", "MacAuditError", "Report", "audit", "capture", "rule"]

_HOMES = {
    "Cost": "cost",
    "Finding": "report",
    "MacAuditError": "errors",
    "Report": "report",
    "audit": "api",
    "capture": "capture",
    "rule": "rule",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mac_audit' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"mac_audit.{_HOMES[name]}"), name)
    globals()[name] = value
    return value

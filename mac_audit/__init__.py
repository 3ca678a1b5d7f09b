"""Lints neural-network architectures for what they really cost.

``mac_audit.audit(model, inputs)`` gives a ``Report``, ``mac_audit.compare(old, new)`` a ``Diff`` of two,
``mac_audit.capture(model, inputs)`` the FX graph behind a report. A rule is made with ``rule``, and returns a
``Measure`` of a ``Profile``. The names below are imported when first used, so that ``import mac_audit`` costs nothing.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mac_audit.api import audit
    from mac_audit.capture import capture
    from mac_audit.cost import Cost
    from mac_audit.diff import Diff, compare
    from mac_audit.errors import MacAuditError
    from mac_audit.network import Network
    from mac_audit.profile import Profile
    from mac_audit.report import Finding, Report
    from mac_audit.rule import Measure, NotApplicable, Violation, rule

__all__ = [
    "Cost",
    "Diff",
    "Finding",
    "MacAuditError",
    "Measure",
    "Network",
    "NotApplicable",
    "Profile",
    "Report",
    "Violation",
    "audit",
    "capture",
    "compare",
    "rule",
]

_HOMES = {
    "Cost": "cost",
    "Diff": "diff",
    "Finding": "report",
    "MacAuditError": "errors",
    "Measure": "rule",
    "Network": "network",
    "NotApplicable": "rule",
    "Profile": "profile",
    "Report": "report",
    "Violation": "rule",
    "audit": "api",
    "capture": "capture",
    "compare": "diff",
    "rule": "rule",
}


# torch says so whenever it is imported where there is no NumPy, which an audit does not use.
warnings.filterwarnings("ignore", "Failed to initialize NumPy")


class _Package(ModuleType):
    """Python binds a submodule to its package when it is imported; ``capture`` and ``rule`` stay functions here."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mac_audit' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"mac_audit.{_HOMES[name]}"), name)
    globals()[name] = value
    return value

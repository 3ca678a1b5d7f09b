"""``zoo:name``: a network of ``mac_audit.zoo``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mac_audit import zoo
from mac_audit.targets import Built, call, choose


def build(name: str, arguments: Mapping[str, Any], target: str) -> Built:
    """A bundled network."""
    return Built(call(choose(zoo.models(), name, "mac_audit.zoo"), arguments, target))

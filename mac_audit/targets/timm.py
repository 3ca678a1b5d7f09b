"""``timm:name``: a network of timm, without weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mac_audit.targets import Built, call, choose, library


def build(name: str, arguments: Mapping[str, Any], target: str) -> Built:
    """A network of timm; its ``default_cfg`` tells its input size."""
    timm = library("timm")
    choose(dict.fromkeys(timm.list_models()), name.split(".", maxsplit=1)[0], "timm")
    return Built(call(lambda **given: timm.create_model(name, pretrained=False, **given), arguments, target))

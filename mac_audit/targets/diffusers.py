"""``diffusers:NAME``: a model of diffusers from its configuration, without weights.

NAME is a class (``UNet2DConditionModel``), or the path of a ``config.json`` or of a directory that holds one.
``--arg sample_size=64`` gives the constructor an argument. Nothing is downloaded.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from mac_audit.errors import MacAuditError
from mac_audit.source import boundary
from mac_audit.targets import Built, library
from mac_audit.targets._configured import (
    attribute,
    hidden_if_broken,
    offline,
    read_config,
    unknown_model,
    unknown_setting,
)


@boundary
def build(name: str, arguments: Mapping[str, Any], target: str) -> Built:
    """A model from a class or a configuration file."""
    with offline(), hidden_if_broken("torchvision"):
        diffusers = library("diffusers")
        values = read_config(name)
        named = name if values is None else str(values.get("_class_name"))
        model_class = attribute(diffusers, named)
        if not (isinstance(model_class, type) and issubclass(model_class, diffusers.ModelMixin)):
            raise unknown_model("diffusers", named, dir(diffusers))
        known = inspect.signature(model_class).parameters
        for key in arguments:
            if key not in known:
                raise unknown_setting(key, target, known)
        given = {key: value for key, value in (values or {}).items() if key in known}
        missing = [
            key
            for key, p in known.items()
            if key != "self"
            and p.default is p.empty
            and p.kind is p.POSITIONAL_OR_KEYWORD
            and key not in {**given, **arguments}
        ]
        if missing:
            raise MacAuditError(f"{target} needs {', '.join(missing)}; give arguments with --arg key=value.")
        return Built(model_class(**{**given, **arguments}))

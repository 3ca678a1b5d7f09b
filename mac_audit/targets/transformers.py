"""``transformers:NAME``: a model of transformers from its configuration, without weights.

NAME is a class of models (``LlamaForCausalLM``), a class of configurations (``LlamaConfig``), a ``model_type``
(``llama``), or the path of a ``config.json`` or of a directory that holds one. ``--arg num_hidden_layers=2`` changes a
value of the configuration, ``--arg text_config.hidden_size=64`` one of a nested configuration; an argument of the
model's own constructor, such as ``add_pooling_layer=false``, goes there. Nothing is downloaded.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from torch import nn

from mac_audit.errors import MacAuditError
from mac_audit.source import boundary
from mac_audit.targets import Built, library
from mac_audit.targets._configured import (
    attribute,
    hidden_if_broken,
    offline,
    read_config,
    unknown_model,
)
from mac_audit.targets._settings import configuration


def build(name: str, arguments: Mapping[str, Any], target: str) -> Built:
    """A model from a class, a model type or a configuration file."""
    with offline(), hidden_if_broken("torchvision"):
        transformers = library("transformers")
        values = read_config(name)
        if values is None:
            model_class, config_class = _classes(transformers, name)
        else:
            model_class, config_class = _classes_of_file(transformers, values, target)
        model_class = model_class or _usual_class(transformers, config_class, target)
        own = set(inspect.signature(model_class).parameters) - {"config", "kwargs"}
        settings = {key: value for key, value in arguments.items() if key not in own}
        config = configuration(config_class, values or {}, settings, target)
        return Built(_construct(model_class, config, {key: arguments[key] for key in own & set(arguments)}))


def _classes(transformers: ModuleType, name: str) -> tuple[Any, Any]:
    """The class of models, or None for the one that goes with the configuration, and that of configurations."""
    types = transformers.CONFIG_MAPPING
    if name not in types and name not in dir(transformers):
        raise unknown_model("transformers", name, [*dir(transformers), *types])
    models = attribute(transformers, "PreTrainedModel")
    if name in types:
        return None, types[name]
    found: Any = attribute(transformers, name)
    bases = found.__mro__ if isinstance(found, type) else ()
    if transformers.PreTrainedConfig in bases:
        return None, found
    if models not in bases:
        raise unknown_model("transformers", name, [*dir(transformers), *types])
    if found.config_class is None:
        raise MacAuditError(f"transformers.{name} says nothing of its configuration; name a class made from it.")
    return found, found.config_class


def _classes_of_file(transformers: ModuleType, values: Mapping[str, Any], target: str) -> tuple[Any, Any]:
    kind = values.get("model_type")
    if kind not in transformers.CONFIG_MAPPING:
        raise MacAuditError(f"{target} has the model_type {kind!r}, which the installed transformers does not know.")
    named = next(iter(values.get("architectures") or []), None)
    return attribute(transformers, named) if named else None, transformers.CONFIG_MAPPING[kind]


def _usual_class(transformers: ModuleType, config_class: Any, target: str) -> Any:
    """The class that ``AutoModel``, or else one of those for a task, builds; of several the first, as they do."""
    for auto in sorted((name for name in dir(transformers) if name.startswith("AutoModel")), key=len):
        mapping = getattr(transformers, auto)._model_mapping
        if config_class in mapping:
            found = mapping[config_class]
            return found[0] if isinstance(found, tuple | list) else found
    raise MacAuditError(f"transformers has no model for the configuration of {target}; name a class of models.")


@boundary
def _construct(model_class: Any, config: Any, arguments: Mapping[str, Any]) -> nn.Module:
    model: nn.Module = model_class._from_config(config, **arguments)
    return model

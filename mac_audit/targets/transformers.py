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
from mac_audit.targets._configured import attribute, nested, offline, read_config, unknown_model, unknown_setting


def build(name: str, arguments: Mapping[str, Any], target: str) -> Built:
    """A model from a class, a model type or a configuration file."""
    with offline():
        transformers = library("transformers")
        values = read_config(name)
        if values is None:
            model_class, config_class = _classes(transformers, name)
        else:
            model_class, config_class = _classes_of_file(transformers, values, target)
        config = _config(config_class, values or {}, arguments, model_class, target)
        return Built(_construct(transformers, model_class, config, arguments, target))


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


def _config(
    config_class: Any, values: Mapping[str, Any], arguments: Mapping[str, Any], model_class: Any, target: str
) -> Any:
    own = {key: value for key, value in arguments.items() if key not in _constructor_arguments(model_class)}
    try:
        base = config_class.from_dict(dict(values)) if values else config_class()
    except Exception:  # a configuration that cannot do without arguments
        base = None
    changes = nested(own)
    if base is not None:
        _check_keys(base, changes, target)
    merged = _merged(dict(values), changes, base)
    try:
        return config_class.from_dict(merged)
    except Exception as error:
        text = " ".join(str(error).split()).rstrip(".")
        raise MacAuditError(f"The configuration of {target} does not hold: {text}; change it with --arg.") from error


def _check_keys(config: Any, changes: Mapping[str, Any], place: str) -> None:
    for key, value in changes.items():
        if not hasattr(config, key):
            raise unknown_setting(key, place, [*vars(config), *type(config).attribute_map])
        inner = getattr(config, key)
        if isinstance(value, dict) and hasattr(inner, "to_diff_dict"):
            _check_keys(inner, value, f"{place} in {key}")


def _merged(values: dict[str, Any], changes: Mapping[str, Any], base: Any) -> dict[str, Any]:
    """``values`` with ``changes``; a nested configuration keeps what the outer class chooses for it."""
    for key, value in changes.items():
        inner: Any = getattr(base, key, None)
        if isinstance(value, dict) and hasattr(inner, "to_diff_dict"):
            chosen = getattr(getattr(base, "sub_configs_defaults", {}).get(key), "init_kwargs", {})
            values[key] = _merged(values.get(key) or {**chosen, "model_type": inner.model_type}, value, inner)
        else:
            values[key] = value
    return values


def _constructor_arguments(model_class: Any) -> set[str]:
    return set(inspect.signature(model_class).parameters) - {"config", "kwargs"} if model_class else set()


@boundary
def _construct(
    transformers: ModuleType, model_class: Any, config: Any, arguments: Mapping[str, Any], target: str
) -> nn.Module:
    if model_class is not None:
        extra = {key: arguments[key] for key in _constructor_arguments(model_class) & set(arguments)}
        model: nn.Module = model_class._from_config(config, **extra)
        return model
    for auto in _auto_classes(transformers):
        if type(config) in auto._model_mapping:
            model = auto.from_config(config)
            return model
    raise MacAuditError(f"transformers has no model for the configuration of {target}; name a class of models.")


def _auto_classes(transformers: ModuleType) -> list[Any]:
    """``AutoModel``, then those for a task."""
    names = [name for name in dir(transformers) if name.startswith("AutoModel")]
    return [getattr(transformers, name) for name in sorted(names, key=len)]

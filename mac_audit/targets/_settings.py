"""Configurations of transformers: a class, the values of a file, and what the user changes."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mac_audit.errors import MacAuditError
from mac_audit.targets._configured import nested, unknown_setting


def configuration(config_class: Any, values: Mapping[str, Any], arguments: Mapping[str, Any], place: str) -> Any:
    """A configuration of ``config_class`` from the ``values`` of a file and the user's ``arguments``.

    What the class derives from other values is derived anew. ``MacAuditError`` where a name is unknown to it and to
    the code of its model, or where the values do not go together.
    """
    changes = nested(arguments)
    try:
        base = config_class.from_dict(dict(values))
    except Exception:  # a configuration that cannot do without arguments
        base = None
    if base is not None:
        _check_keys(base, changes, place)
    try:
        return config_class.from_dict(_merged(values, changes, base))
    except Exception as error:
        if base is not None and values:
            try:
                return config_class.from_dict(_merged(_underived(base, values), changes, base))
            except Exception:  # the first error is about what the user sees in the file
                pass
        text = " ".join(str(error).split()).rstrip(".")
        raise MacAuditError(f"The configuration of {place} does not hold: {text}; change it with --arg.") from error


def _check_keys(config: Any, changes: Mapping[str, Any], place: str) -> None:
    for key, value in changes.items():
        inner = getattr(config, key, None)
        if not hasattr(config, key) and not _is_read(type(config), key):
            raise unknown_setting(key, place, [*vars(config), *type(config).attribute_map])
        if _changes(inner, value):
            _check_keys(inner, value, f"{place} in {key}")


def _is_read(config_class: Any, key: str) -> bool:
    """Whether the code of the model reads ``.key``: some read what only files of published models set."""
    code = importlib.util.find_spec(config_class.__module__.replace(".configuration_", ".modeling_"))
    text = Path(code.origin).read_text(encoding="utf-8") if code is not None and code.origin else ""
    return re.search(rf"\.{re.escape(key)}\b(?!\()", text) is not None


def _is_config(value: Any) -> bool:
    return hasattr(value, "to_diff_dict")


def _changes(inner: Any, value: Any) -> bool:
    """Whether ``value`` changes the nested configuration ``inner``; one of another type takes its place."""
    return (
        isinstance(value, dict) and _is_config(inner) and value.get("model_type", inner.model_type) == inner.model_type
    )


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any], base: Any) -> dict[str, Any]:
    """``values`` with ``changes``; a nested configuration keeps what the outer class chooses for it."""
    merged = dict(values)
    for key, value in changes.items():
        inner: Any = getattr(base, key, None)
        if _changes(inner, value):
            chosen = getattr(getattr(base, "sub_configs_defaults", {}).get(key), "init_kwargs", {})
            merged[key] = _merged(values.get(key) or {**chosen, "model_type": inner.model_type}, value, inner)
        else:
            merged[key] = value
    return merged


def _underived(config: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` without the lists and tables that their configuration derives from the rest, such as layer types.

    Published files hold them as well, in the length that belongs to the published number of layers.
    """
    kept = dict(values)
    for key, value in values.items():
        inner = getattr(config, key, None)
        if isinstance(value, dict) and _is_config(inner):
            kept[key] = _underived(inner, value)
        elif isinstance(value, list | dict):
            rest = {name: given for name, given in kept.items() if name != key}
            if _derives(type(config), rest, key, inner):
                kept = rest
    return kept


def _derives(config_class: Any, values: Mapping[str, Any], key: str, value: Any) -> bool:
    try:
        return bool(getattr(config_class.from_dict(dict(values)), key, None) == value)
    except Exception:
        return False

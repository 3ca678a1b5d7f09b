"""Frozen dataclasses to and from JSON values, driven by their annotations alone.

Reading validates: a value of the wrong type, a missing or an unknown key raises ``MacAuditError`` and names the
place (``report.layers[3].params``), so saved files are data that a reader can trust.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar, Union, cast

from mac_audit.errors import MacAuditError, nearest

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """``value`` as dicts, lists, strings, numbers, booleans and None."""
    if dataclasses.is_dataclass(value):
        return {name: to_plain(getattr(value, name)) for name in _names(type(value))}  # type: ignore[arg-type]
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    return value


def from_plain(kind: type[T], value: Any, where: str) -> T:
    """The instance of ``kind`` that ``value`` describes; ``where`` names the place in error messages."""
    return cast(T, _read(kind, value, where))


def parse_versioned(text: str, version: int, where: str) -> dict[str, Any]:
    """The JSON object in ``text``, less its ``schema_version``, which must be ``version``."""
    try:
        data = json.loads(text, parse_constant=_no_number)
    except ValueError as error:
        raise MacAuditError(f"{where} is not JSON: {error}.") from None
    if not isinstance(data, dict) or "schema_version" not in data:
        raise MacAuditError(f"{where} has no schema_version; give a file that mac-audit wrote.")
    found = data.pop("schema_version")
    if type(found) is not int or found != version:
        raise MacAuditError(f"{where} has schema version {found!r}, but this mac-audit reads {version}.")
    return data


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


@functools.cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read(kind: Any, value: Any, where: str) -> Any:
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        read: Any = _read_union(parts, value, where)
    elif origin is typing.Literal:
        read = _read_literal(parts, value, where)
    elif origin is tuple:
        read = _read_tuple(parts, value, where)
    elif origin in (dict, Mapping):
        read = _read_dict(parts[1], value, where)
    elif dataclasses.is_dataclass(kind):
        read = _read_dataclass(kind, value, where)
    else:
        read = value if kind is Any else _read_scalar(kind, value, where)
    return read


def _read_literal(allowed: tuple[Any, ...], value: Any, where: str) -> Any:
    if value not in allowed:
        raise _wrong(where, " or ".join(map(repr, allowed)), value)
    return value


def _read_dict(kind: Any, value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    return {key: _read(kind, item, f"{where}.{key}") for key, item in value.items()}


def _read_scalar(kind: Any, value: Any, where: str) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:  # not isinstance: True is no number here
        raise _wrong(where, "null" if kind is types.NoneType else kind.__name__, value)
    return value


def _read_union(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and types.NoneType in kinds:
        return None
    kinds = tuple(kind for kind in kinds if kind is not types.NoneType)
    if isinstance(value, dict):  # what is wrong with a table is told by its own kind
        kinds = tuple(filter(dataclasses.is_dataclass, kinds)) or kinds
    if len(kinds) == 1:
        return _read(kinds[0], value, where)
    for kind in kinds:
        try:
            return _read(kind, value, where)
        except MacAuditError:
            continue
    raise _wrong(where, "a value of a type that belongs here", value)


def _read_tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong(where, "a list", value)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise _wrong(where, f"a list of {len(kinds)}", value)
    return tuple(_read(kind, item, f"{where}[{i}]") for i, (kind, item) in enumerate(zip(kinds, value, strict=True)))


def _read_dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    if unknown := sorted(value.keys() - fields.keys()):
        hint = nearest(unknown[0], fields) or " It may come from another version."
        raise MacAuditError(f"{where} has an unknown key {unknown[0]!r}.{hint}")
    hints = _hints(kind)
    given = {name: _read(hints[name], item, f"{where}.{name}") for name, item in value.items()}
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if name not in given and required:
            raise MacAuditError(f"{where} lacks the key {name!r}; the file may be cut short.")
    return kind(**given)


def _wrong(where: str, expected: str, value: Any) -> MacAuditError:
    shown = repr(value)
    shown = shown if len(shown) <= 40 else shown[:37] + "..."
    return MacAuditError(f"{where} should be {expected}, but is {shown}.")

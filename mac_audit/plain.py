"""Frozen dataclasses to and from JSON values, driven by their annotations alone.

Reading validates: a value of the wrong type or out of bounds, a missing or an unknown key raises ``MacAuditError`` and
names the place (``report.layers[3].params``), so saved files are data that a reader can trust. Every file that is
JSON or TOML comes in through ``parse_json`` or ``parse_toml`` and ``from_plain``.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import tomllib
import types
import typing
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, Union, cast

from mac_audit.errors import MacAuditError, nearest

T = TypeVar("T")
_Reader = Callable[[Any], Any]

# Beyond it lies no figure of a network, and sums and products of smaller ones stay numbers that can be shown.
LARGEST = 10**30
DEEPEST = 20  # of values that may be anything, which is more than anybody's arguments nest


@dataclass(frozen=True, slots=True)
class Within:
    """The bounds of a number, both included, as an annotation of its type."""

    low: float
    high: float


Size = Annotated[int, Within(0, 2**63 - 1)]  # what torch has for a dimension
Count = Annotated[int, Within(0, LARGEST)]
Place = Annotated[int, Within(1, 2**31 - 1)]  # a line
Amount = Annotated[float, Within(-LARGEST, LARGEST)]


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
    try:
        return cast(T, _reader(kind)(value))
    except _Wrong as wrong:
        raise MacAuditError(f"{where}{wrong.place} {wrong.told}") from None


def parse_versioned(text: str, version: int, where: str) -> dict[str, Any]:
    """The JSON object in ``text``, less its ``schema_version``, which must be ``version``."""
    return versioned(parse_json(text, where), version, where)


def versioned(data: Any, version: int, where: str) -> dict[str, Any]:
    """The JSON object ``data``, less its ``schema_version``, which must be ``version``."""
    if not isinstance(data, dict) or "schema_version" not in data:
        raise MacAuditError(f"{where} has no schema_version; give a file that mac-audit wrote.")
    found = data["schema_version"]
    if type(found) is not int or found != version:
        raise MacAuditError(f"{where} has schema version {shown(found)}, but this mac-audit reads {version}.")
    return {key: value for key, value in data.items() if key != "schema_version"}


def parse_json(text: str, where: str) -> Any:
    """The value in ``text``, in which no object has a key twice and every number is one."""
    try:
        return json.loads(
            text, parse_constant=_no_number, parse_float=_finite, object_pairs_hook=lambda pairs: _unique(pairs, where)
        )
    except json.JSONDecodeError as error:
        raise MacAuditError(f"{where} is not JSON: {error}.") from None
    except ValueError as error:
        told = "a number has more digits than any figure" if "digits" in str(error) else str(error)
        raise MacAuditError(f"{where} is not JSON that mac-audit reads: {told}.") from None
    except RecursionError:
        raise MacAuditError(f"{where} is nested deeper than anything that mac-audit writes.") from None


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """The tables in ``text``."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MacAuditError(f"{where} is not TOML: {error}.") from None
    except ValueError:  # a number of thousands of digits, a date that no calendar has
        raise MacAuditError(f"{where} is not TOML that mac-audit reads: a number or a date is out of bounds.") from None
    except RecursionError:
        raise MacAuditError(f"{where} is nested deeper than any configuration.") from None


def shown(value: Any) -> str:
    """``value`` as an error quotes it, whatever it is: short, and without looking at all of it."""
    if isinstance(value, list | tuple | dict) and (len(value) > 10 or _depth(value) > 3):
        return f"a {'table' if isinstance(value, dict) else 'list'} of {len(value)}"
    try:
        text = repr(value[:50] if isinstance(value, str) else value)
    except ValueError:  # Python writes no integer of more than some thousand digits
        return "a number of very many digits"
    return text if len(text) <= 40 else f"{text[:37]}..."


def _unique(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise MacAuditError(f"{where} has the key {shown(twice)} twice in one object; take one out.")
    return found


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:20]} is beyond what a number can be")
    return number


def _depth(value: Any) -> int:
    """How deep lists and tables nest; one more than ``DEEPEST`` where it is deeper than that."""
    depth, level = 0, [value]
    while depth <= DEEPEST and (level := [item for item in level if isinstance(item, list | tuple | dict)]):
        depth += 1
        level = [part for item in level for part in (item.values() if isinstance(item, dict) else item)]
    return depth


@functools.cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


class _Wrong(Exception):
    """What is wrong, as the end of a sentence that begins with ``place``, which grows as it is passed outwards."""

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told, self.place = told, ""

    def inside(self, place: str) -> _Wrong:
        self.place = f"{place}{self.place}"
        return self


def _should(expected: str, value: Any) -> _Wrong:
    return _Wrong(f"should be {expected}, but is {shown(value)}.")


def _reader(kind: Any) -> _Reader:
    """What reads a ``kind``: it gives the value back as one, or raises ``_Wrong``."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        read = _union(parts)
    elif origin is typing.Literal:
        read = _literal(parts)
    elif origin is tuple:
        read = _tuple(parts)
    elif origin in (dict, Mapping):
        read = _dict(_reader(parts[1]))
    elif origin is Annotated:
        read = _within(_reader(parts[0]), [mark for mark in parts[1:] if isinstance(mark, Within)])
    elif dataclasses.is_dataclass(kind):
        read = _dataclass(kind)  # type: ignore[arg-type]
    else:
        read = _any if kind is Any else _scalar(kind)
    return read


def _scalar(kind: Any) -> _Reader:
    name = "null" if kind is types.NoneType else kind.__name__

    def read(value: Any) -> Any:
        found = type(value)  # not isinstance: True is no number here
        if found is not kind and not (kind is float and found is int):
            raise _should(name, value)
        if (found is float and not math.isfinite(value)) or (found is int and not -LARGEST <= value <= LARGEST):
            raise _should("a number that can be calculated with", value)
        return float(value) if kind is float else value

    return read


def _within(read: _Reader, bounds: list[Within]) -> _Reader:
    def read_within(value: Any) -> Any:
        value = read(value)
        for bound in bounds:
            if not bound.low <= value <= bound.high:
                raise _should(f"from {bound.low:.4g} to {bound.high:.4g}", value)
        return value

    return read_within


def _any(value: Any) -> Any:
    """``value``, whatever it is, if it can be worked with."""
    if _depth(value) > DEEPEST:
        raise _Wrong("is nested deeper than anything that belongs there.")
    for item in _leaves(value):
        if isinstance(item, int) and abs(item) > LARGEST:
            raise _should("of numbers that can be calculated with", item)
    return value


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value


def _literal(allowed: tuple[Any, ...]) -> _Reader:
    def read(value: Any) -> Any:
        if value not in allowed:
            raise _should(" or ".join(map(repr, allowed)), value)
        return value

    return read


def _dict(read: _Reader) -> _Reader:
    def read_dict(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _should("an object", value)
        result = {}
        for key, item in value.items():
            try:
                result[key] = read(item)
            except _Wrong as wrong:
                raise wrong.inside(f".{key[:60]}") from None
        return result

    return read_dict


def _union(kinds: tuple[Any, ...]) -> _Reader:
    optional = types.NoneType in kinds
    readers = [(_reader(kind), dataclasses.is_dataclass(kind)) for kind in kinds if kind is not types.NoneType]

    def read(value: Any) -> Any:
        if value is None and optional:
            return None
        fitting = readers
        if isinstance(value, dict):  # what is wrong with a table is told by its own kind
            fitting = [pair for pair in readers if pair[1]] or readers
        if len(fitting) == 1:
            return fitting[0][0](value)
        for read_one, _ in fitting:
            try:
                return read_one(value)
            except _Wrong:
                continue
        raise _should("a value of a type that belongs here", value)

    return read


def _tuple(kinds: tuple[Any, ...]) -> _Reader:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        each = _reader(kinds[0])
        readers = None
    else:
        readers = [_reader(kind) for kind in kinds]

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise _should("a list", value)
        if readers is not None and len(readers) != len(value):
            raise _should(f"a list of {len(readers)}", value)
        result = []
        try:
            if readers is None:
                for item in value:
                    result.append(each(item))
            else:
                for read_one, item in zip(readers, value, strict=True):
                    result.append(read_one(item))
        except _Wrong as wrong:
            raise wrong.inside(f"[{len(result)}]") from None
        return tuple(result)

    return read


@functools.cache
def _dataclass(kind: Any) -> _Reader:
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    readers = {name: _reader(hints[name]) for name in fields}
    absent = (dataclasses.MISSING, dataclasses.MISSING)
    required = [name for name, field in fields.items() if (field.default, field.default_factory) == absent]

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise _should("an object", value)
        given = {}
        for name, item in value.items():
            if name not in readers:
                hint = nearest(name[:100], fields) or " It may come from another version."
                raise _Wrong(f"has an unknown key {shown(name)}.{hint}")
            try:
                given[name] = readers[name](item)
            except _Wrong as wrong:
                raise wrong.inside(f".{name}") from None
        for name in required:
            if name not in given:
                raise _Wrong(f"lacks the key {name!r}; the file may be cut short.")
        return kind(**given)

    return read

"""Arguments and results of ``forward``: tensors in nested sequences, mappings, dataclasses and plain objects.

A plain object is one with attributes, such as a key-value cache: its attributes are looked through like a mapping.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from types import ModuleType
from typing import Any

from torch import Tensor, nn

_SCALARS = (type(None), bool, int, float, str)
_NO_CONTAINERS = (Tensor, type, ModuleType, nn.Module, Enum)


def tensors_in(value: Any, _within: frozenset[int] = frozenset()) -> Iterator[Tensor]:
    """Every tensor in nested containers, in order."""
    kind = type(value)
    if isinstance(value, Tensor):
        yield value
    elif kind is tuple or kind is list:
        for item in value:
            yield from tensors_in(item, _within)
    elif kind not in _SCALARS and id(value) not in _within:  # an object may refer to the one that holds it
        for _, item in _items(value):
            yield from tensors_in(item, _within | {id(value)})


def map_tensors(function: Callable[[Tensor], Tensor], value: Any, _within: frozenset[int] = frozenset()) -> Any:
    """A copy of ``value`` with ``function`` of each tensor in its place; the types of containers stay."""
    if isinstance(value, Tensor):
        return function(value)
    if id(value) in _within:
        return value
    mapped = [(key, map_tensors(function, item, _within | {id(value)})) for key, item in _items(value)]
    if isinstance(value, tuple | list):
        items = [item for _, item in mapped]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, Mapping):
        result = copy.copy(value)
        for key, item in mapped:
            result[key] = item  # type: ignore[index]
        return result
    if mapped:
        result = copy.copy(value)
        for name, item in mapped:
            object.__setattr__(result, name, item)
        return result
    return value


def plain_containers(value: Any, _within: frozenset[int] = frozenset()) -> Any:
    """``value`` with mappings and dataclasses as dicts, and other sequences as tuples and lists.

    An object that holds tensors becomes a dict of those of its attributes that do.
    """
    within = _within | {id(value)}
    if isinstance(value, tuple | list):
        items = [plain_containers(item, within) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, Mapping) or _is_dataclass(value):
        return {key: plain_containers(item, within) for key, item in _items(value)}
    holding = {key: item for key, item in _items(value) if next(tensors_in(item, within), None) is not None}
    return {key: plain_containers(item, within) for key, item in holding.items()} or value


def _items(value: Any) -> list[tuple[Any, Any]]:
    """What a container holds, with keys; nothing for anything else."""
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, tuple | list):
        return list(enumerate(value))
    if _is_dataclass(value):
        return [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]
    return list(vars(value).items()) if _has_attributes(value) else []


def _has_attributes(value: Any) -> bool:
    if isinstance(value, _NO_CONTAINERS) or callable(value):
        return False
    return _is_dataclass(value) or hasattr(value, "__dict__")


def _is_dataclass(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)

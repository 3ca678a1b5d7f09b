"""The inputs of a report in a line, however many they are: a cache holds two tensors a layer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from mac_audit.report import TensorInfo
from mac_audit.units import shape


def listed(inputs: Sequence[TensorInfo]) -> str:
    """``ids 1×128 int64, cache.0 to cache.5 6 of 1×8×64×16 float32``: name, shape and dtype of each or of several."""
    return ", ".join(_group(list(group)) for _, group in groupby(inputs, _alike))


def _alike(tensor: TensorInfo) -> tuple[object, ...]:
    holder, _, index = tensor.name.rpartition(".")
    return holder if index.isdecimal() else tensor.name, tensor.shape, tensor.dtype


def _group(alike: list[TensorInfo]) -> str:
    first, last = alike[0], alike[-1]
    kind = f"{shape(first.shape)} {first.dtype}"
    return f"{first.name} {kind}" if len(alike) == 1 else f"{first.name} to {last.name} {len(alike)} of {kind}"

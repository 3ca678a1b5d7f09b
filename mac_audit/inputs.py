"""Example inputs: the arguments of one call of ``forward``, given by a user or found beside a model."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mac_audit.errors import MacAuditError
from mac_audit.nested import tensors_in

LARGEST = 2**48  # elements of an input, as many as a processor has addresses


@dataclasses.dataclass(frozen=True)
class Inputs:
    """The arguments of one call of ``forward``."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, value: Any) -> Inputs:
        """A tensor or a tuple or list as positional arguments, a dict as keyword arguments."""
        if isinstance(value, Inputs):
            return value
        if isinstance(value, Mapping):
            return cls(kwargs=dict(value))
        return cls(args=tuple(value) if isinstance(value, tuple | list) else (value,))

    @property
    def tensors(self) -> list[Tensor]:
        """Every tensor among the arguments, positional ones first."""
        return list(tensors_in((self.args, self.kwargs)))

    def names(self, model: nn.Module) -> list[str]:
        """A name for each tensor, from the signature of the model's ``forward``: ``x``, ``pair.0``."""
        formal = _positional(model)
        given = [(formal[i] if i < len(formal) else f"input_{i}", value) for i, value in enumerate(self.args)]
        names: list[str] = []
        for name, value in (*given, *self.kwargs.items()):
            number = sum(1 for _ in tensors_in(value))
            names += [name] if number == 1 else [f"{name}.{i}" for i in range(number)]
        return names


def _positional(model: nn.Module) -> list[str]:
    if isinstance(model, torch.jit.ScriptModule):
        schema: Any = model.forward.schema  # type: ignore[attr-defined]
        return [argument.name for argument in schema.arguments[1:]]
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in inspect.signature(model.forward).parameters.values() if p.kind in kinds]


class Found(NamedTuple):
    """Inputs, and where they come from: a clause that a report shows."""

    inputs: Inputs
    origin: str


def parse_input(text: str) -> tuple[str | None, torch.Tensor]:
    """``[name=]shape[:dtype]`` as name and a tensor without data: ``1,3,224,224`` or ``tokens=1,128:int64``."""
    match = re.fullmatch(r"(?:([A-Za-z_]\w*)=)?(\d+(?:,\d+)*)?(?::(\w+))?", text.replace(" ", ""))
    if match is None or not text.strip():
        raise MacAuditError(
            f"--input {text!r} is not [name=]shape[:dtype]; write it like 1,3,224,224 or ids=1,77:int64."
        )
    name, shape, kind = match.groups()
    dtype = getattr(torch, kind or "float32", None)
    if not isinstance(dtype, torch.dtype):
        raise MacAuditError(f"--input {text!r} names no dtype of torch: {kind!r}; use float32, float16, int64 or bool.")
    sizes = tuple(int(size[:20]) for size in shape.split(",")) if shape else ()  # 20 digits are too many already
    if 0 in sizes or prod(sizes) > LARGEST:
        raise MacAuditError(
            f"--input {text[:60]!r} has {'no elements' if 0 in sizes else 'more elements than any memory'}; give each"
            " dimension at least 1, or there is nothing to cost, and no more than a model could be run on."
        )
    return name, torch.empty(sizes, dtype=dtype, device="meta")


def given_inputs(specifications: Sequence[str]) -> Inputs | None:
    """The inputs that ``--input`` spells, if any."""
    parsed = [parse_input(text) for text in specifications]
    named = [name for name, _ in parsed if name]
    if len(set(named)) != len(named):
        raise MacAuditError("--input names an argument twice; give each keyword input once.")
    args = tuple(tensor for name, tensor in parsed if name is None)
    return Inputs(args, {name: tensor for name, tensor in parsed if name}) if parsed else None

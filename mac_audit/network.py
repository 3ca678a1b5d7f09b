"""Network: a captured model as plain data, without torch.

A network is a list of operators in the order in which they ran, the tensors that they read and write, and the
layers (modules) that they belong to. Tensors are referred to by their index in ``Network.tensors``; every operator
result is a tensor of its own, also where it shares memory with another (``Tensor.storage`` says so).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, Literal

from mac_audit.errors import MacAuditError
from mac_audit.plain import from_plain, parse_versioned, to_plain

SCHEMA_VERSION = 1

Shape = tuple[int, ...]
Role = Literal["input", "parameter", "buffer", "constant", "activation"]


@dataclass(frozen=True, slots=True)
class Source:
    """A line of somebody's code; ``file`` is absolute."""

    file: str
    line: int

    @property
    def shown(self) -> str:
        """The file as people want to read it: relative to the working directory where it lies inside."""
        here = os.getcwd() + os.sep
        return self.file.removeprefix(here).replace(os.sep, "/") if self.file.startswith(here) else self.file

    def __str__(self) -> str:
        return f"{self.shown}:{self.line}"


@dataclass(frozen=True, slots=True)
class Tensor:
    """One value: its shape in elements, and how much memory stands behind it.

    ``elements`` counts distinct elements in memory: an expanded dimension counts once. ``role`` says where the
    value comes from; ``constant`` is what follows from parameters, buffers and literals alone. A view keeps the
    role and the ``name`` of what it views. Tensors with the same ``storage`` share memory.
    """

    shape: Shape
    dtype: str
    itemsize: int
    elements: int
    storage: int
    role: Role = "activation"
    name: str = ""

    @property
    def numel(self) -> int:
        """Elements that the shape promises."""
        return prod(self.shape)

    @property
    def is_weight(self) -> bool:
        """Whether it is known before any input is."""
        return self.role in ("parameter", "buffer", "constant")


@dataclass(frozen=True, slots=True)
class Ref:
    """A tensor as an argument: its index in ``Network.tensors``."""

    tensor: int


Scalar = None | bool | int | float | str | Ref
Argument = Scalar | tuple[Scalar, ...]  # operator schemas nest no deeper


@dataclass(frozen=True)
class Operator:
    """One ATen operator call.

    ``arguments`` are complete (defaults filled in) under the names of the operator's schema. ``mutates`` are the
    tensors written in place; ``after`` those whose memory this operator reads through another tensor. ``view`` is
    true where every result only looks at the memory of an argument. ``layer`` is the path of the innermost module
    and ``source`` the line of the ``forward`` that called it, which is that module's own where ``own`` is true.
    ``kernel`` names the operator in whose kernel it runs, and is empty where it has one of its own.
    """

    name: str
    target: str
    arguments: dict[str, Argument]
    outputs: tuple[int, ...]
    layer: str = ""
    source: Source | None = None
    own: bool = False
    mutates: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    view: bool = False
    kernel: str = ""

    @cached_property
    def inputs(self) -> tuple[int, ...]:
        """Indices of the tensors among the arguments, in order, each once."""
        return tuple(dict.fromkeys(_refs(self.arguments.values())))


@dataclass(frozen=True, slots=True)
class Parameter:
    """A learned tensor; one shared by several layers has the same name in each."""

    name: str
    shape: Shape
    dtype: str

    @property
    def numel(self) -> int:
        """Elements."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Layer:
    """One module: its own parameters (not those of modules inside it) and the shapes of its first call.

    ``sources`` are the lines that constructed it, from the one that is meant outwards through the functions that
    called it; none where the construction was not watched. ``path`` of the model itself is empty. A module reachable
    by several paths has the first; ``calls`` counts all its calls.
    """

    path: str
    type: str
    sources: tuple[Source, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    calls: int = 0
    input_shapes: tuple[Shape, ...] = ()
    output_shapes: tuple[Shape, ...] = ()

    @property
    def source(self) -> Source | None:
        """The line that constructed it, where that is known."""
        return self.sources[0] if self.sources else None


@dataclass(frozen=True)
class Network:
    """A captured model. ``inputs`` and ``outputs`` are indices into ``tensors``, layers come parents first.

    ``capture`` says how it was captured: ``method`` (which step), ``construction`` (how the model was built),
    ``inputs`` (where they come from) and the version of torch.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    layers: tuple[Layer, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    capture: dict[str, str] = field(default_factory=dict)

    @cached_property
    def readers(self) -> dict[int, tuple[Operator, ...]]:
        """The operators that read each tensor; a tensor that nobody reads is absent."""
        found: dict[int, list[Operator]] = {}
        for operator in self.operators:
            for index in operator.inputs:
                found.setdefault(index, []).append(operator)
        return {index: tuple(operators) for index, operators in found.items()}

    @cached_property
    def results(self) -> frozenset[int]:
        """``outputs``, to look them up in."""
        return frozenset(self.outputs)

    @cached_property
    def producers(self) -> dict[int, Operator]:
        """The operator that each computed tensor comes from."""
        return {index: operator for operator in self.operators for index in operator.outputs}

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Every distinct parameter by name."""
        return {parameter.name: parameter for layer in self.layers for parameter in layer.parameters}

    def to_json(self) -> str:
        """The network as one JSON document."""
        return json.dumps({"schema_version": SCHEMA_VERSION, **to_plain(self)}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str, where: str = "network") -> Network:
        """The network that ``text`` describes; ``MacAuditError`` names what is wrong with it."""
        network = from_plain(cls, parse_versioned(text, SCHEMA_VERSION, where), where)
        named = {index for op in network.operators for index in (*op.inputs, *op.outputs, *op.mutates, *op.after)}
        for index in named.union(network.inputs, network.outputs):
            if not 0 <= index < len(network.tensors):
                raise MacAuditError(f"{where} refers to tensor {index}, but has {len(network.tensors)} of them.")
        layers = {layer.path for layer in network.layers}
        for operator in network.operators:
            if operator.layer not in layers:
                raise MacAuditError(f"{where} puts {operator.name} into a layer {operator.layer!r} that it lacks.")
        return network


def _refs(values: Any) -> Iterator[int]:
    for value in values:
        if isinstance(value, Ref):
            yield value.tensor
        elif isinstance(value, tuple):
            yield from _refs(value)

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
from typing import Annotated, Any, Literal

from mac_audit.errors import MacAuditError
from mac_audit.plain import Count, Place, Size, Within, from_plain, parse_json, shown, to_plain, versioned

SCHEMA_VERSION = 1
HOW = ("method", "construction", "inputs", "torch")  # what every capture tells of itself

Shape = tuple[Size, ...]
Index = Annotated[int, Within(0, 2**31 - 1)]  # of a tensor
Role = Literal["input", "parameter", "buffer", "constant", "activation"]


@dataclass(frozen=True, slots=True)
class Source:
    """A line of somebody's code; ``file`` is absolute.

    The expression in question begins at ``column`` and ends before ``end_column``, both from 0 in bytes of UTF-8, as
    CPython counts; no ``end_column`` where it goes on in the next line, neither where that is not known. Two
    expressions of one line are the same source.
    """

    file: str
    line: Place
    column: Index | None = field(default=None, compare=False)
    end_column: Index | None = field(default=None, compare=False)

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
    itemsize: Annotated[int, Within(0, 1024)]
    elements: Size
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

    tensor: Index


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
    outputs: tuple[Index, ...]
    layer: str = ""
    source: Source | None = None
    own: bool = False
    mutates: tuple[Index, ...] = ()
    after: tuple[Index, ...] = ()
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
    calls: Count = 0
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
    ``inputs`` (where they come from) and the version of torch. ``lines`` has the text of the lines of code that it
    refers to, by ``file:line``, as far as they could be read.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    layers: tuple[Layer, ...]
    inputs: tuple[Index, ...]
    outputs: tuple[Index, ...]
    capture: dict[str, str] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)

    def text(self, source: Source) -> str:
        """The line of code as it was at the capture; empty where that is not known."""
        return self.lines.get(f"{source.file}:{source.line}", "")

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
        return cls.of(parse_json(text, where), where)

    @classmethod
    def of(cls, document: Any, where: str = "network") -> Network:
        """The same of a JSON document that was read already."""
        network = from_plain(cls, versioned(document, SCHEMA_VERSION, where), where)
        for problem in _contradictions(network):
            raise MacAuditError(f"{where} {problem}; trace the model again.")
        return network


def _contradictions(network: Network) -> Iterator[str]:
    """What in ``network`` cannot be so; everything behind it relies on that there is nothing."""
    yield from (f"does not say the {name} of its capture" for name in HOW if name not in network.capture)
    for place, tensor in enumerate(network.tensors):
        if tensor.numel >= 2**63:
            yield f"gives tensor {place} more elements than any memory has"
    for what, names in (
        ("layers of one path", [layer.path for layer in network.layers]),
        ("operators of one name", [operator.name for operator in network.operators]),
        ("operators that compute one tensor", [index for op in network.operators for index in op.outputs]),
    ):
        if len(set(names)) < len(names):
            yield f"has two {what}"
    number = len(network.tensors)
    for index in (*network.inputs, *network.outputs):
        if index >= number:
            yield f"refers to tensor {index}, but has {number} of them"
    layers, later = {layer.path for layer in network.layers}, set(network.producers)
    if "" not in layers:
        yield "lacks the layer of the model itself, whose path is empty"
    for operator in network.operators:
        name, read = shown(operator.name), {*operator.inputs, *operator.mutates, *operator.after}
        if operator.layer not in layers:
            yield f"puts {name} into a layer {shown(operator.layer)} that it lacks"
        for index in sorted(read.union(operator.outputs)):
            if index >= number:
                yield f"refers to tensor {index} in {name}, but has {number} of them"
        for index in sorted(later & read):
            yield f"reads tensor {index} in {name}, before it is computed"
        later.difference_update(operator.outputs)


def _refs(values: Any) -> Iterator[int]:
    for value in values:
        if isinstance(value, Ref):
            yield value.tensor
        elif isinstance(value, tuple):
            yield from _refs(value)

"""Captured graph of ATen operators → Network, which needs no torch."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import fx

from mac_audit import _torch as private
from mac_audit.capture import Recording
from mac_audit.network import Argument, Layer, Network, Operator, Ref, Role, Scalar, Tensor
from mac_audit.recorder import Spec
from mac_audit.source import texts


def lower(
    captured: fx.GraphModule | Recording, construction: str = "model as given", origin: str = "inputs as given"
) -> Network:
    """The network that a result of ``capture`` or ``record`` describes.

    ``construction`` says how the model was built, ``origin`` where its inputs come from; both go into
    ``Network.capture``.
    """
    return _Lowering(captured).network(construction, origin)


class _Lowering:
    def __init__(self, captured: fx.GraphModule | Recording) -> None:
        self.captured = captured
        self.parameters = {name for layer in captured.meta["layers"] for name in (p.name for p in layer.parameters)}
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []
        self.values: dict[fx.Node, Any] = {}  # index of a tensor, or a tuple of them
        self.storages: dict[int, int] = {}  # numbered in order of appearance
        self.written: dict[int, int] = {}  # the tensor through which a storage was last written
        self.variable: set[int] = set()  # storages into which something went that follows from the inputs

    def network(self, construction: str, origin: str) -> Network:
        inputs: list[int] = []
        outputs: tuple[int, ...] = ()
        for node in self.captured.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = self._add(node.meta["spec"], "input", node.meta["name"])
                inputs.append(self.values[node])
            elif node.op == "get_attr":
                self.values[node] = self._add_member(node.meta["spec"], node.target)
            elif node.op == "output":
                outputs = tuple(_refs(self._argument(node.args[0])))
            elif node.target is operator.getitem:
                parent, index = node.args
                self.values[node] = self.values[parent][index]
            else:
                self._add_operator(node)
        layers: tuple[Layer, ...] = self.captured.meta["layers"]
        sources = [op.source for op in self.operators] + [line for layer in layers for line in layer.sources]
        return Network(
            tuple(map(self._final, self.tensors)),
            tuple(self.operators),
            layers,
            tuple(inputs),
            outputs,
            {
                **self.captured.meta["how"],
                "construction": construction,
                "inputs": origin,
                "torch": str(torch.__version__).partition("+")[0],
            },
            texts(filter(None, sources)),
        )

    def _add_member(self, spec: Any, name: str) -> Any:
        """A tensor of the model, or those that a quantised layer packed into one object."""
        if isinstance(spec, Spec):
            return self._add(spec, self._role_of(name), name)
        return tuple(None if item is None else self._add(item, "constant", name) for item in spec)

    def _final(self, tensor: Tensor) -> Tensor:
        """What was fixed until something was written into it is no weight."""
        return replace(tensor, role="activation") if tensor.storage in self.variable and tensor.is_weight else tensor

    def _role_of(self, name: str) -> Role:
        if name in self.parameters:
            return "parameter"
        return "constant" if name.startswith("_constant_") else "buffer"

    def _add_operator(self, node: fx.Node) -> None:
        arguments: dict[str, Argument] = {}
        mutated: list[int] = []
        for position, formal in enumerate(_formals(node.target)):
            given = position < len(node.args)
            argument = self._argument(node.args[position] if given else node.kwargs.get(formal.name, formal.default))
            if formal.written:
                mutated += _refs(argument)
            if not formal.is_out:  # that is written and never read
                arguments[formal.name] = argument
        read = tuple(dict.fromkeys(index for argument in arguments.values() for index in _refs(argument)))
        after = tuple(
            {
                writer
                for index in read
                if (writer := self.written.get(self.tensors[index].storage)) is not None and writer > index
            }
        )
        outputs = self._add_results(node, read, mutated)
        for index in mutated:
            storage = self.tensors[index].storage
            self.written[storage] = next((o for o in outputs if self.tensors[o].storage == storage), index)
        seen = {self.tensors[index].storage for index in read}
        self.operators.append(
            Operator(
                name=node.name,
                target=str(node.target),
                arguments=arguments,
                outputs=outputs,
                layer=node.meta["layer"],
                source=node.meta["source"],
                own=node.meta["own"],
                mutates=tuple(mutated),
                after=after,
                view=bool(outputs) and not mutated and all(self.tensors[o].storage in seen for o in outputs),
            )
        )

    def _add_results(self, node: fx.Node, read: tuple[int, ...], mutated: list[int]) -> tuple[int, ...]:
        spec = node.meta["spec"]
        written = {self.tensors[index].storage for index in mutated}
        fixed = bool(read) and all(
            self.tensors[index].is_weight and self.tensors[index].storage not in self.variable for index in read
        )
        if not fixed:
            self.variable |= written

        def add(item: Any) -> int | None:
            if item is None:
                return None
            storage = self._storage(item)
            owner = next((self.tensors[i] for i in read if self.tensors[i].storage == storage), None)
            if owner is not None and storage not in written and storage not in self.variable:  # a view
                return self._add(item, owner.role, owner.name)
            return self._add(item, "constant" if fixed else "activation", "")

        if isinstance(spec, Spec):
            self.values[node] = add(spec)
            return (self.values[node],)
        if spec is None:
            return ()
        self.values[node] = tuple(add(item) for item in spec)
        return tuple(index for index in self.values[node] if index is not None)

    def _storage(self, spec: Spec) -> int:
        return self.storages.setdefault(spec.storage, len(self.storages))

    def _add(self, spec: Spec, role: Role, name: str) -> int:
        self.tensors.append(
            Tensor(
                shape=spec.shape,
                dtype=_name(spec.dtype),
                itemsize=spec.dtype.itemsize,
                elements=_distinct(spec),
                storage=self._storage(spec),
                role=role,
                name=name,
            )
        )
        return len(self.tensors) - 1

    def _argument(self, value: Any) -> Argument:
        if isinstance(value, fx.Node):
            index = self.values[value]
            return tuple(None if i is None else Ref(i) for i in index) if isinstance(index, tuple) else Ref(index)
        if isinstance(value, dict):
            value = tuple(value.values())
        if isinstance(value, tuple | list):
            return _flat(self._argument(item) for item in value)
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)  # JSON has no infinity
        if value is None or isinstance(value, bool | int | float | str):
            return value
        return _name(value)


class _Formal(NamedTuple):
    """One argument of an operator's schema."""

    name: str
    default: Any
    written: bool
    is_out: bool


@functools.cache
def _formals(target: Any) -> tuple[_Formal, ...]:
    reshapes = torch.Tag.inplace_view in target.tags  # writes no element
    return tuple(
        _Formal(
            formal.name,
            formal.default_value,
            formal.alias_info is not None and formal.alias_info.is_write and not reshapes,
            formal.is_out,
        )
        for formal in private.schema(target).arguments
    )


def _flat(arguments: Iterable[Argument]) -> tuple[Scalar, ...]:
    """One tuple, also of nested ones (results of a model nest; arguments of an operator do not)."""
    found: list[Scalar] = []
    for argument in arguments:
        found += argument if isinstance(argument, tuple) else (argument,)
    return tuple(found)


def _name(value: Any) -> str:
    return str(value).removeprefix("torch.")


def _distinct(spec: Spec) -> int:
    """Distinct elements in memory behind a shape: a dimension of stride 0 repeats one, overlapping windows share.

    Dimensions are taken from the smallest stride up. One that steps over all that was covered multiplies it; one
    that steps within a covered stretch without gaps makes it longer. Other overlaps count at most as far as they
    reach.
    """
    if not spec.stride:
        return math.prod(spec.shape)
    if 0 in spec.shape:
        return 0
    count = reach = 1
    for stride, size in sorted((stride, size) for size, stride in zip(spec.shape, spec.stride, strict=True) if stride):
        longer = reach + (size - 1) * stride
        count = count * size if stride >= reach else longer if count == reach else min(count * size, longer)
        reach = longer
    return count


def _refs(value: Argument) -> list[int]:
    if isinstance(value, Ref):
        return [value.tensor]
    if isinstance(value, tuple):
        return [index for item in value for index in _refs(item)]
    return []

"""Shapes without data, and values where they follow from what is known and are few."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mac_audit import _torch as private
from mac_audit.nested import tensors_in
from mac_audit.steps.copies import Copies
from mac_audit.steps.fake import FakeTensors

SMALL = 1 << 22  # elements: a mask over 2048 × 2048 positions; what decides a shape is smaller


class KnownValues:
    """Fake tensors, beside each the real one where its values follow from what is known and are few.

    Known are literals, buffers and inputs that hold data; of inputs without data, integers and booleans are taken as
    one: an index that every table has, a position that a mask lets through. Parameters, what is computed with them,
    and random numbers are not known.
    """

    holds_data = False

    def __init__(self) -> None:
        self.assumed = ""
        self._fakes = FakeTensors()
        self._values: dict[int, Tensor] = {}  # by id of the fake tensor, which the graph keeps alive
        self._copies = Copies(largest=SMALL)
        self._lost: set[int] = set()  # memory into which something unknown was written

    def member(self, tensor: Tensor) -> Tensor:
        fake = self._fakes.member(tensor)
        if not isinstance(tensor, nn.Parameter) and tensor.device.type != "meta":
            self._know(fake, tensor)
        return fake

    def given(self, tensor: Tensor) -> Tensor:
        fake = self._fakes.given(tensor)
        if tensor.device.type != "meta":
            self._know(fake, tensor)
        elif not tensor.is_floating_point() and not tensor.is_complex():
            self.assumed = "integer inputs without data taken as 1"
            self._know(fake, torch.ones_like(tensor, device="cpu"))
        return fake

    def stand_in(self, tensor: Tensor) -> Tensor:
        return tensor if isinstance(tensor, private.FakeTensor) else self.member(tensor)

    def forget(self, tensor: Tensor) -> None:
        self._fakes.forget(tensor)
        self._values.pop(id(tensor), None)

    @contextmanager
    def around(self) -> Iterator[None]:
        with self._fakes.around(), _LiteralsRead():
            yield

    def run(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            result, error = self._fakes.run(function, args, kwargs), None
        except (private.DataDependentOutputException, private.DynamicOutputShapeException) as raised:
            result, error = None, raised
        sizes = sum(tensor.numel() for tensor in tensors_in(result))
        value = self._compute(function, args, kwargs) if sizes <= SMALL else _UNKNOWN
        if value is _UNKNOWN:
            if error is not None:
                raise error
            self._lose(function, args, kwargs)
            return result
        if error is not None:
            result = _mapped(value, self._fakes.given)
        for fake, real in zip(tensors_in(result), tensors_in(value), strict=True):
            self._values[id(fake)] = real
        return result

    def _know(self, fake: Tensor, tensor: Tensor) -> None:
        if id(fake) not in self._values and tensor.numel() <= SMALL:
            self._values[id(fake)] = self._copies.of(tensor)

    def _compute(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if torch.Tag.nondeterministic_seeded in function.tags:
            return _UNKNOWN
        try:
            return function(*_mapped(args, self._value), **_mapped(kwargs, self._value))
        except _UnknownError:
            return _UNKNOWN

    def _value(self, tensor: Tensor) -> Tensor:
        value = self._values.get(id(self.stand_in(tensor)))
        if value is None or private.storage_key(value) in self._lost:
            raise _UnknownError
        return value

    def _lose(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        for position, argument in enumerate(private.schema(function).arguments):
            if argument.alias_info is not None and argument.alias_info.is_write:
                given = args[position] if position < len(args) else kwargs.get(argument.name)
                for tensor in tensors_in(given):
                    value = self._values.get(id(self.stand_in(tensor)))
                    if value is not None:
                        self._lost.add(private.storage_key(value))


class _LiteralsRead(TorchFunctionMode):
    """Lets ``torch.tensor([a, b])`` ask tensors in a list for their values, which it reads from memory otherwise."""

    makers = (torch.tensor, torch.as_tensor, torch.asarray)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in self.makers and args and isinstance(args[0], list | tuple):
            args = (_mapped(list(args[0]), lambda tensor: tensor.tolist()), *args[1:])
        return func(*args, **(kwargs or {}))


_UNKNOWN = object()


class _UnknownError(Exception):
    """An operand has no known value."""


def _mapped(value: Any, function: Callable[[Tensor], Any]) -> Any:
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, tuple | list):
        return type(value)([_mapped(item, function) for item in value])
    if isinstance(value, dict):
        return {key: _mapped(item, function) for key, item in value.items()}
    return value

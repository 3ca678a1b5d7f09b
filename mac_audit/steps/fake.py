"""Shapes without data."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from mac_audit import _torch as private
from mac_audit.nested import tensors_in


class _Look(NamedTuple):
    """All of a tensor that the shape of a result depends on."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    dtype: torch.dtype
    device: torch.device
    literal: bool  # with a value that the mode knows, and works with


class _Said(NamedTuple):
    """What an operator returned: tensors like ``looks``; ``many`` for a list or tuple of them."""

    how: Literal["new", "view", "same"]
    looks: tuple[_Look | None, ...]
    many: type | None


_REMEMBERED = 1 << 16  # a few hundred bytes each; the largest networks have some thousand different operators
_numbers: dict[_Look, int] = {}
_said: dict[Any, _Said] = {}


class FakeTensors:
    """Shapes without data, from torch's ``FakeTensorMode``.

    The mode takes a tenth of a millisecond for an operator, and networks repeat themselves: what it said is remembered
    by operator and arguments, for all captures of the process, and said again in a fraction of that time.
    """

    holds_data = False
    assumed = ""

    def __init__(self) -> None:
        self.mode = private.FakeTensorMode(allow_non_fake_inputs=True)
        self._twins: dict[int, tuple[Tensor, Tensor]] = {}  # real and fake, by id of the real one
        self._owners: dict[int, Tensor] = {}  # the first fake tensor by the memory of its real one
        self._looks: dict[int, int | None] = {}  # number of a look by id of a fake tensor, which the graph keeps alive
        self._patterns: dict[torch.device, Tensor] = {}

    def member(self, tensor: Tensor) -> Tensor:
        known = self._twins.get(id(tensor))
        if known is None:
            known = self._twins[id(tensor)] = tensor, self._twin(tensor)
        return known[1]

    def given(self, tensor: Tensor) -> Tensor:
        return private.fake_twin(self.mode, tensor)

    def stand_in(self, tensor: Tensor) -> Tensor:
        return tensor if isinstance(tensor, private.FakeTensor) else self.member(tensor)

    def forget(self, tensor: Tensor) -> None:
        self._looks.pop(id(tensor), None)

    def around(self) -> AbstractContextManager[object]:
        return private.conversions_by_data()

    def run(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if private.is_lift(function):
            with self.mode:
                return function(*args, **kwargs)
        how = _how(function)
        key = None
        if how and not (how == "same" and _is_literal(args[0])):  # which is none any more when it was written to
            key = self._key((function, torch.get_default_dtype(), args, *kwargs.items()))
        if key is None:
            args, kwargs = self._stand_ins(args), self._stand_ins(kwargs)
        elif (said := _said.get(key)) is not None:
            return self._again(said, args)
        with self.mode:
            result = _SHAPES.get(function, function)(*args, **kwargs)
        if key is not None and how is not None and (told := self._tell(how, args, result)) is not None:
            if len(_said) >= _REMEMBERED:
                _said.clear()
            _said[key] = told
        elif how is None:  # it may have given its arguments another shape
            for tensor in tensors_in((args, kwargs)):
                self._looks.pop(id(tensor), None)
        return result

    def _twin(self, tensor: Tensor) -> Tensor:
        is_parameter = isinstance(tensor, nn.Parameter)  # ATen asks for gradients when it folds products
        if not _plain(tensor) or type(tensor) not in (Tensor, nn.Parameter):
            fake = private.fake_twin(self.mode, tensor)
            return nn.Parameter(fake, tensor.requires_grad) if is_parameter else fake
        shape, stride = tuple(tensor.shape), tensor.stride()
        memory = private.storage_key(tensor)
        owner = self._owners.get(memory)
        if owner is not None and owner.dtype == tensor.dtype:
            return private.fake_view(owner, shape, stride, int(tensor.storage_offset()))
        device = torch.device("cpu") if tensor.device.type == "meta" else tensor.device
        fake = self._new(shape, stride, tensor.dtype, device, is_parameter and tensor.requires_grad)
        if is_parameter:
            private.as_parameter(fake)
        return self._owners.setdefault(memory, fake)

    def _new(
        self,
        shape: tuple[int, ...],
        stride: tuple[int, ...],
        dtype: torch.dtype,
        device: torch.device,
        requires_grad: bool = False,
    ) -> Tensor:
        if device not in self._patterns:
            self._patterns[device] = private.fake_tensor(self.mode, device)
        elements = torch.empty_strided(shape, stride, dtype=dtype, device="meta")
        return private.fake_like(self._patterns[device], elements, requires_grad)

    def _stand_ins(self, value: Any) -> Any:
        kind = type(value)
        if kind is tuple or kind is list:
            return kind([self._stand_ins(item) for item in value])
        if kind is dict:
            return {key: self._stand_ins(item) for key, item in value.items()} if value else value
        return self.stand_in(value) if isinstance(value, Tensor) else value

    def _key(self, value: Any) -> Any:
        """``value`` as a key that tells what a result depends on; None where that cannot be told."""
        kind = type(value)
        if kind is private.FakeTensor:
            return self._look_number(value)
        if kind is tuple or kind is list:
            keys = []
            for item in value:
                key = self._key(item)
                if key is None:
                    return None
                keys.append(key)
            return tuple(keys)
        if isinstance(value, Tensor):
            return None
        return (kind, value)  # 1, 1.0 and True are not the same

    def _look_number(self, tensor: Tensor) -> int | None:
        number = self._looks.get(id(tensor), -1)
        if number == -1:
            look = _look(tensor)
            number = self._numbered(look)
            if look is None or not look.literal:  # which ends when somebody writes to it
                self._looks[id(tensor)] = number
        return number

    def _numbered(self, look: _Look | None) -> int | None:
        return None if look is None else _numbers.setdefault(look, len(_numbers))

    def _tell(self, how: Literal["new", "view", "same"], args: tuple[Any, ...], result: Any) -> _Said | None:
        """What to say when the operator comes again; None where it would not be the same."""
        many = type(result) if isinstance(result, tuple | list) else None
        results = result if many else (result,)
        looks = tuple(_look(item) if isinstance(item, Tensor) else None for item in results)
        if any(item is not None and (look is None or look.literal) for item, look in zip(results, looks, strict=True)):
            return None
        shared = {private.storage_key(tensor) for tensor in tensors_in(args)}
        own = [private.storage_key(item) not in shared for item in results if item is not None]
        if how == "new" and not any(own):  # as _unsafe_view, whose schema does not say so
            how = "view"
        if how == "view" and not (isinstance(args[0], Tensor) and shared == {private.storage_key(args[0])}):
            return None
        if how == "view" and any(look is not None and look.dtype != args[0].dtype for look in looks):
            return None  # view_as_real: fake_view looks at elements as they are
        fits = {"new": all(own), "view": not any(own), "same": not many and result is args[0]}[how]
        return _Said(how, looks, many) if fits else None

    def _again(self, said: _Said, args: tuple[Any, ...]) -> Any:
        if said.how == "same":
            return args[0]
        results: list[Tensor | None] = []
        for look in said.looks:
            if look is None:
                results.append(None)
                continue
            if said.how == "view":
                fake = private.fake_view(args[0], look.shape, look.stride, look.offset)
            else:
                fake = self._new(look.shape, look.stride, look.dtype, look.device)
            self._looks[id(fake)] = self._numbered(look)
            results.append(fake)
        return said.many(results) if said.many else results[0]


def _plain(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and not (tensor.is_quantized or tensor.is_conj() or tensor.is_neg())


def _look(tensor: Tensor) -> _Look | None:
    """None where there is more to a tensor than its look."""
    if type(tensor) is not private.FakeTensor or not _plain(tensor):
        return None
    offset = int(tensor.storage_offset())
    return _Look(tuple(tensor.shape), tensor.stride(), offset, tensor.dtype, tensor.fake_device, _is_literal(tensor))


def _is_literal(tensor: Tensor) -> bool:
    return isinstance(tensor, private.FakeTensor) and tensor.constant is not None


@functools.cache
def _how(function: Any) -> Literal["new", "view", "same"] | None:
    """How results relate to arguments, where the operator's schema and tags promise that nothing else matters."""
    if not isinstance(function, private.OpOverload) or not private.schema(function).returns:
        return None
    if function.namespace not in ("aten", "prims"):  # a shape function of somebody else's may look at anything
        return None
    if {torch.Tag.dynamic_output_shape, torch.Tag.data_dependent_output, torch.Tag.inplace_view} & set(function.tags):
        return None
    arguments = [argument.alias_info for argument in private.schema(function).arguments]
    results = [result.alias_info for result in private.schema(function).returns]
    if not any(arguments) and not any(results):
        return "new"
    first, *others = arguments
    if first is None or any(others) or not all(results) or len(results) != 1:
        return None
    return "same" if first.is_write else "view"


def _grouped_product(
    self: Tensor,
    mat2: Tensor,
    offs: Tensor | None = None,
    bias: Tensor | None = None,
    out_dtype: torch.dtype | None = None,
) -> Tensor:
    """Shape of ``aten._grouped_mm``: rows, columns or the inner dimension lie in groups that end at ``offs``.

    (m, k) × (g, k, n) → (m, n); (g, m, k) × (k, n) → (m, n); (m, k) × (k, n) and (g, m, k) × (g, k, n) → (g, m, n).
    """
    del bias
    shape = [self.shape[-2], mat2.shape[-1]]
    if self.dim() == mat2.dim():
        groups = self.shape[0] if self.dim() == 3 else offs.shape[0] if offs is not None else 1
        shape.insert(0, groups)
    return self.new_empty(shape, dtype=out_dtype or self.dtype)


# Operators whose shape function refuses what their kernel takes: this one wants bfloat16 (torch 2.13).
_SHAPES: dict[Any, Callable[..., Any]] = {torch.ops.aten._grouped_mm.default: _grouped_product}

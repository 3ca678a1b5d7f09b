"""Sizes asked for: batch, sequence length, resolution, and which inputs they change."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from mac_audit.errors import MacAuditError
from mac_audit.inputs import LARGEST as ELEMENTS
from mac_audit.inputs import Inputs
from mac_audit.nested import map_tensors

LARGEST = 2**31 - 1  # of a batch, a sequence or a side: more than anything is run on
_MEANING = {"batch": "batch", "seq_len": "sequence", "resolution": "image"}


class Sizes:
    """What the user asked for. A convention asks with its own size as default; ``check`` tells what nobody asked for.

    ``resolution`` is height and width.
    """

    def __init__(
        self, batch: int | None = None, seq_len: int | None = None, resolution: tuple[int, int] | None = None
    ) -> None:
        self.given = {"batch": batch, "seq_len": seq_len, "resolution": resolution}
        for name, size in self.given.items():
            sides = size if isinstance(size, tuple) else (1 if size is None else size,)
            if min(sides) < 1 or max(sides) > LARGEST:
                raise MacAuditError(
                    f"{name.replace('_', '-')} is {size}; give at least 1, or nothing there is to cost, and at most"
                    f" {LARGEST}."
                )
        self._asked: set[str] = set()

    def batch(self, default: int = 1) -> int:
        """The batch size."""
        size: int = self._ask("batch", default)
        return size

    def sequence(self, default: int) -> int:
        """The number of tokens."""
        length: int = self._ask("seq_len", default)
        return length

    def resolution(self, default: tuple[int, int]) -> tuple[int, int]:
        """Height and width of an image."""
        side: tuple[int, int] = self._ask("resolution", default)
        return side

    def _ask(self, name: str, default: Any) -> Any:
        self._asked.add(name)
        given = self.given[name]
        return default if given is None else given

    def check(self, target: str) -> None:
        """Raise ``MacAuditError`` for a size that changed nothing."""
        for name, value in self.given.items():
            if value is not None and name not in self._asked:
                option = name.replace("_", "-")
                raise MacAuditError(
                    f"--{option} has nothing to act on: no input of {target} is known to have a {_MEANING[name]}"
                    " dimension; give shapes with --input."
                )


def resized(inputs: Inputs, sizes: Sizes) -> Inputs:
    """Example inputs at the sizes asked for, where their shapes tell which dimension is which.

    The batch is the first dimension of every tensor that has that of the first tensor; height and width are the last
    two of floating tensors of four or five dimensions; the sequence is the second of integer or boolean tensors of two.
    """
    tensors = inputs.tensors
    if not tensors:
        return inputs
    images = [t for t in tensors if t.ndim in (4, 5) and t.is_floating_point()]
    tokens = [t for t in tensors if t.ndim == 2 and not t.is_floating_point() and not t.is_complex()]
    first = next((t.shape[0] for t in tensors if t.ndim > 0), None)
    batch = first if first is None else sizes.batch(first)
    resolution = sizes.resolution(tuple(images[0].shape[-2:])) if images else None  # type: ignore[arg-type]
    length = sizes.sequence(tokens[0].shape[1]) if tokens else None

    def change(tensor: Tensor) -> Tensor:
        shape = list(tensor.shape)
        if shape and shape[0] == first and batch is not None:
            shape[0] = batch
        if resolution is not None and _among(images, tensor) and tensor.shape[-2:] == images[0].shape[-2:]:
            shape[-2:] = resolution
        if length is not None and _among(tokens, tensor) and tensor.shape[1] == tokens[0].shape[1]:
            shape[1] = length
        return _reshaped(tensor, shape)

    return Inputs(map_tensors(change, inputs.args), map_tensors(change, dict(inputs.kwargs)))


def _among(tensors: list[Tensor], tensor: Tensor) -> bool:
    return any(tensor is other for other in tensors)


def _reshaped(tensor: Tensor, shape: list[int]) -> Tensor:
    """``tensor`` cut or repeated to ``shape``; floating values are not kept."""
    if list(tensor.shape) == shape:
        return tensor
    if prod(shape) > ELEMENTS:
        raise MacAuditError(
            f"An input of {'×'.join(map(str, shape))} is more than any memory holds; give smaller sizes."
        )
    if tensor.is_meta or tensor.is_floating_point() or tensor.is_complex():
        return torch.empty(shape, dtype=tensor.dtype, device="meta")
    for dimension, size in enumerate(shape):
        if tensor.shape[dimension] != size:
            tensor = tensor.index_select(dimension, torch.arange(size) % tensor.shape[dimension])
    return tensor

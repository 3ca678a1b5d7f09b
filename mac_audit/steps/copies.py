"""Copies of tensors that share memory where the originals do."""

from __future__ import annotations

import torch
from torch import Tensor

from mac_audit import _torch as private


class Copies:
    """Copies memory once, so that what is written through one tensor is seen in the others, as in the model.

    A tensor that is a small part of memory beyond ``largest`` bytes, such as a mapped checkpoint, is copied by itself;
    so is one that is not laid out in strides.
    """

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._memory: dict[object, tuple[Tensor, torch.UntypedStorage]] = {}  # the original keeps its address taken

    def of(self, tensor: Tensor) -> Tensor:
        """The copy of ``tensor``, detached."""
        plain = type(tensor) in (Tensor, torch.nn.Parameter) and tensor.layout is torch.strided
        if not plain or tensor.is_quantized or tensor.is_conj() or tensor.is_neg():
            return tensor.detach().clone()
        memory = tensor.untyped_storage()
        if memory.nbytes() > max(self._largest, tensor.numel() * tensor.element_size()):
            return tensor.detach().clone()
        key = private.storage_key(tensor)
        if key not in self._memory:
            self._memory[key] = tensor, memory.clone()  # type: ignore[no-untyped-call]
        copy = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
        return copy.set_(self._memory[key][1], tensor.storage_offset(), tensor.size(), tensor.stride())

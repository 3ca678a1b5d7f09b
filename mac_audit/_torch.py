"""Every interface that torch does not promise to keep, in one place.

When a torch release moves one of them, this is the file to change.
"""

from __future__ import annotations

import logging
from typing import Any

import torch
import torch._dynamo  # a second; FakeTensorMode would import it at its first use
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
    UnsupportedOperatorException,
    unset_fake_temporarily,
)
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = [
    "DataDependentOutputException",
    "DynamicOutputShapeException",
    "FakeTensor",
    "FakeTensorMode",
    "TorchDispatchMode",
    "UnsupportedOperatorException",
    "fake_twin",
    "is_lift",
    "log",
    "module_call",
    "packed_tensors",
    "storage_key",
]

log = logging.getLogger("torch._subclasses.fake_tensor")
module_call = torch.nn.Module.__call__

_LIFTS = (torch.ops.aten.lift_fresh.default, torch.ops.aten.lift.default)


def is_lift(function: torch._ops.OpOverload) -> bool:
    """Whether ``function`` is how a literal (``torch.tensor([1, 2])``) enters a trace."""
    return function in _LIFTS


def fake_twin(mode: FakeTensorMode, tensor: torch.Tensor) -> torch.Tensor:
    """A fake tensor like ``tensor``, on its device or, where that is ``meta``, as if on the CPU."""
    if tensor.device.type == "meta":
        return FakeTensor(mode, tensor.detach(), torch.device("cpu"))
    return mode.from_tensor(tensor.detach(), static_shapes=True)


def packed_tensors(packed: Any) -> tuple[torch.Tensor | None, ...]:
    """What a quantised layer packed: weight, and bias or None, of each of its products; none where it does not tell."""
    with unset_fake_temporarily():
        if packed._has_method("unpack"):
            unpacked = packed.unpack()
            return unpacked if isinstance(unpacked, tuple) else (unpacked,)
        if packed._has_method("__getstate__"):  # a recurrent cell, which packs packed products
            state, _ = packed.__getstate__()  # and the name of its class
            inner = [item for part in state if isinstance(part, list) for item in part]
            return tuple(t for item in inner if isinstance(item, torch.ScriptObject) for t in packed_tensors(item))
    return ()


def storage_key(tensor: torch.Tensor) -> int:
    """A number that tensors have in common exactly when they share memory (while both are alive)."""
    key: int = tensor.untyped_storage()._cdata
    return key

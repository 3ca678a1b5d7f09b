"""Every interface that torch does not promise to keep, in one place.

When a torch release moves one of them, this is the file to change.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch._dynamo  # a second; FakeTensorMode would import it at its first use
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
    UnsupportedOperatorException,
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
    "log_silenced",
    "module_call",
    "storage_key",
]

log = logging.getLogger("torch._subclasses.fake_tensor")
module_call = torch.nn.Module.__call__

_LIFTS = (torch.ops.aten.lift_fresh.default, torch.ops.aten.lift.default)


@contextmanager
def log_silenced() -> Iterator[None]:
    """Keep tracebacks out of torch's log: what is wrong is raised as well, and told in a sentence."""
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


def is_lift(function: torch._ops.OpOverload) -> bool:
    """Whether ``function`` is how a literal (``torch.tensor([1, 2])``) enters a trace."""
    return function in _LIFTS


def fake_twin(mode: FakeTensorMode, tensor: torch.Tensor) -> torch.Tensor:
    """A fake tensor like ``tensor``, on its device or, where that is ``meta``, as if on the CPU."""
    if tensor.device.type == "meta":
        return FakeTensor(mode, tensor.detach(), torch.device("cpu"))
    return mode.from_tensor(tensor.detach(), static_shapes=True)


def storage_key(tensor: torch.Tensor) -> int:
    """A number that tensors have in common exactly when they share memory (while both are alive)."""
    key: int = tensor.untyped_storage()._cdata
    return key

"""Running a part of a model for the shapes that it returns."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mac_audit import _torch as private
from mac_audit.nested import map_tensors
from mac_audit.recorder import Recorder
from mac_audit.steps import Step
from mac_audit.steps.fake import FakeTensors
from mac_audit.steps.known import KnownValues


def shapes(model: nn.Module, call: Callable[[nn.Module, Any], Any], inputs: Any) -> Any:
    """What ``call(model, inputs)`` returns, with tensors on the meta device in the place of its own.

    It runs without data, on a copy of the model; where it looks at values, small ones are computed.
    """
    try:
        result = _run(model, call, inputs, FakeTensors())
    except Exception:  # values that were needed, or a mistake that the second run tells of
        result = _run(model, call, inputs, KnownValues())
    return map_tensors(_on_meta, result)


def _run(model: nn.Module, call: Callable[[nn.Module, Any], Any], inputs: Any, step: Step) -> Any:
    double = copy.deepcopy(model).eval()
    recorder = Recorder(double, step)
    recorder.swap_members_in()
    given = map_tensors(lambda tensor: recorder.placeholder(tensor, "given"), inputs)
    with torch.no_grad(), private.log_silenced(), step.around(), recorder:
        return call(double, given)


def _on_meta(tensor: Tensor) -> Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")

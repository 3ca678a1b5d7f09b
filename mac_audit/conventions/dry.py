"""Running a part of a model for the shapes that it returns."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mac_audit import _torch as private
from mac_audit.nested import map_tensors


def shapes(model: nn.Module, call: Callable[[nn.Module, Any], Any], inputs: Any) -> Any:
    """What ``call(model, inputs)`` returns, with tensors on the meta device in the place of its own.

    It runs on a copy of the model whose tensors are fake, so that nothing is computed and the model stays as it is.
    """
    mode = private.FakeTensorMode(allow_non_fake_inputs=True)
    twins: dict[int, Tensor] = {}

    def fake(tensor: Tensor) -> Tensor:
        if id(tensor) not in twins:
            twin = private.fake_twin(mode, tensor)
            twins[id(tensor)] = nn.Parameter(twin, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else twin
        return twins[id(tensor)]

    double = copy.deepcopy(model).eval()
    for module in double.modules():
        for table in (module._parameters, module._buffers):
            table.update({name: fake(tensor) for name, tensor in table.items() if tensor is not None})
    with torch.no_grad(), mode, private.log_silenced():
        result = call(double, map_tensors(fake, inputs))
    return map_tensors(lambda t: torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device="meta"), result)

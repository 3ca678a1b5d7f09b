"""The model as it is, on copies of its tensors."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from mac_audit.steps.copies import Copies


class RealTensors:
    """The model as it is, on copies of its tensors; what has no data gets some.

    Parameters without data are drawn from a normal distribution of deviation 0.02, as BERT and GPT-2 start (Devlin et
    al., NAACL 2019; Radford et al., 2019), inputs from a standard normal one; integers and booleans are one. The draw
    is the same every time.
    """

    holds_data = True

    def __init__(self) -> None:
        self.assumed = ""
        self._twins: dict[int, tuple[Tensor, Tensor]] = {}
        self._copies = Copies(largest=sys.maxsize)
        self._generator = torch.Generator().manual_seed(0)

    def member(self, tensor: Tensor) -> Tensor:
        known = self._twins.get(id(tensor))
        if known is None:
            real = self._filled(tensor, 0.02)
            if isinstance(tensor, nn.Parameter):
                real = nn.Parameter(real, tensor.requires_grad)
            known = self._twins[id(tensor)] = tensor, real
        return known[1]

    def given(self, tensor: Tensor) -> Tensor:
        return self._filled(tensor, 1.0)

    def stand_in(self, tensor: Tensor) -> Tensor:
        return tensor

    def forget(self, tensor: Tensor) -> None:
        """Nothing is noted of any."""

    def around(self) -> AbstractContextManager[object]:
        return nullcontext()

    def run(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return function(*args, **kwargs)

    def _filled(self, tensor: Tensor, deviation: float) -> Tensor:
        if tensor.device.type != "meta":
            return self._copies.of(tensor)
        self.assumed = "weights and inputs without data drawn at random, integers among them taken as 1"
        if not tensor.is_floating_point():
            return torch.ones_like(tensor, device="cpu")
        drawn = torch.empty(tensor.shape).normal_(0, deviation, generator=self._generator)
        return torch.empty_like(tensor, device="cpu").copy_(drawn)

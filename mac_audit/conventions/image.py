"""Models that publish the size of an image: ``input_size`` of the model or of its ``default_cfg``, as timm's have."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from mac_audit.inputs import Found, Inputs
from mac_audit.sizes import Sizes, resized


def inputs(model: nn.Module, sizes: Sizes) -> Found | None:
    """One image: ``input_size`` is channels, height and width, or has the batch before them."""
    for holder in (getattr(model, "default_cfg", None), model):
        size = holder.get("input_size") if isinstance(holder, Mapping) else getattr(holder, "input_size", None)
        if isinstance(size, tuple | list) and len(size) in (3, 4) and all(isinstance(n, int) for n in size):
            shape = tuple(size) if len(size) == 4 else (1, *size)
            return Found(
                resized(Inputs((torch.empty(shape, device="meta"),)), sizes), "inputs of the model's input_size"
            )
    return None

"""Pooling: one comparison or addition for each element of each window."""

from __future__ import annotations

from math import prod

from mac_audit.cost import Work, formula
from mac_audit.network import Tensor


@formula(
    "aten.max_pool2d_with_indices",
    "aten.max_pool3d_with_indices",
    "aten.max_pool1d",
    "aten.max_pool2d",
    "aten.max_pool3d",
    "aten.mkldnn_max_pool2d",
    "aten.quantized_max_pool2d",
    "aten.avg_pool1d",
    "aten.avg_pool2d",
    "aten.avg_pool3d",
)
def window_pool(kernel_size: tuple[int, ...], out: Tensor) -> Work:
    """A window of ``kernel_size`` for each result."""
    return Work("pool", other_ops=out.numel * prod(kernel_size))


@formula(
    "aten.adaptive_avg_pool1d",
    "aten._adaptive_avg_pool2d",
    "aten._adaptive_avg_pool3d",
    "aten.adaptive_max_pool1d",
    "aten.adaptive_max_pool2d",
    "aten.adaptive_max_pool3d",
)
def adaptive_pool(self: Tensor, out: Tensor) -> Work:
    """Windows that tile the input: every element once (where they overlap, a little more)."""
    return Work("pool", other_ops=max(self.numel, out.numel))

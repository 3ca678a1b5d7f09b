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
    "aten.mkldnn_max_pool3d",
    "aten.quantized_max_pool1d",
    "aten.quantized_max_pool2d",
    "aten.quantized_max_pool3d",
    "aten.fractional_max_pool2d",
    "aten.fractional_max_pool3d",
    "quantized.max_pool1d",
    "quantized.max_pool2d",
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
    "aten.mkldnn_adaptive_avg_pool2d",
    "aten.adaptive_max_pool1d",
    "aten.adaptive_max_pool2d",
    "aten.adaptive_max_pool3d",
)
def adaptive_pool(self: Tensor, out: Tensor, output_size: tuple[int, ...]) -> Work:
    """The i-th of n windows along a side spans ⌊i·side/n⌋ to ⌈(i+1)·side/n⌉; they may overlap."""
    spatial = len(output_size)
    spans = (
        sum(-(-(i + 1) * side // count) - i * side // count for i in range(count))
        for side, count in zip(self.shape[-spatial:], out.shape[-spatial:], strict=True)
    )
    return Work("pool", other_ops=prod(out.shape[:-spatial]) * prod(spans))


@formula("aten.max_unpool2d", "aten.max_unpool3d")
def max_unpool(self: Tensor) -> Work:
    """Puts each element at its index, zeros elsewhere."""
    del self
    return Work("data-movement")

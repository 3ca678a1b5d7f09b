"""Convolutions in one to three dimensions: grouped, depthwise, dilated, transposed.

``weight`` is (c_out, c_in/g, *kernel), or (c_in, c_out/g, *kernel) where transposed; activations are
(batch, channels, *space), the batch may be missing.
"""

from __future__ import annotations

from mac_audit.cost import Contraction, Work, formula
from mac_audit.network import Tensor


@formula(
    "aten.convolution",
    "aten._convolution",
    "aten.cudnn_convolution",
    "aten.mkldnn_convolution",
    "aten.miopen_convolution",
    "aten.miopen_depthwise_convolution",
    "aten._conv_depthwise2d",
    "aten.conv_depthwise3d",
    "aten._slow_conv2d_forward",
    "aten.slow_conv3d_forward",
)
def convolution(
    weight: Tensor,
    out: Tensor,
    input: Tensor | None = None,
    self: Tensor | None = None,
    bias: Tensor | None = None,
    dilation: tuple[int, ...] = (),
    transposed: bool = False,
    groups: int | None = None,
) -> Work:
    """out_numel · (c_in/g) · ∏kernel; in_numel · (c_out/g) · ∏kernel where transposed."""
    image = input if input is not None else self
    assert image is not None
    kernel = weight.shape[2:]
    c_in, c_out = image.shape[-1 - len(kernel)], out.shape[-1 - len(kernel)]
    shape = Contraction(
        c_in=c_in,
        c_out=c_out,
        positions_in=image.numel // c_in,
        positions_out=out.numel // c_out,
        groups=groups or c_in // weight.shape[1],
        kernel=kernel,
        dilation=dilation,
        transposed=transposed,
    )
    return Work(shape.convolution, shape.madds, other_ops=out.numel if bias is not None else 0, contraction=shape)

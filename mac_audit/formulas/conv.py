"""Convolutions in one to three dimensions: grouped, depthwise, dilated, transposed.

``weight`` is (c_out, c_in/g, *kernel), or (c_in, c_out/g, *kernel) where transposed; activations are
(batch, channels, *space), the batch may be missing.
"""

from __future__ import annotations

from mac_audit.cost import Contraction, Work, formula
from mac_audit.network import Tensor


def convolved(
    image: Tensor,
    weight: Tensor,
    out: Tensor,
    groups: int | None = None,
    dilation: tuple[int, ...] = (),
    *,
    transposed: bool = False,
    added: int,
) -> Work:
    """out_numel · (c_in/g) · ∏kernel; in_numel · (c_out/g) · ∏kernel where transposed.

    ``added`` are scalar operations on each element of the result: one for a bias, one for a ReLU, …
    """
    kernel = weight.shape[2:]
    c_in, c_out = image.shape[-1 - len(kernel)], out.shape[-1 - len(kernel)]
    shape = Contraction(
        c_in=c_in,
        c_out=c_out,
        positions_in=image.numel // c_in,
        positions_out=out.numel // c_out,
        groups=groups or (c_out if transposed else c_in) // weight.shape[1],
        kernel=kernel,
        dilation=dilation,
        transposed=transposed,
        weighted=weight.is_weight,
    )
    return Work(shape.convolution, shape.madds, other_ops=added * out.numel, contraction=shape)


@formula(
    "aten.convolution",
    "aten._convolution",
    "aten.convolution_overrideable",
    "aten.cudnn_convolution",
    "aten.mkldnn_convolution",
    "aten.miopen_convolution",
    "aten.miopen_depthwise_convolution",
    "aten._mps_convolution",
    "aten._nnpack_spatial_convolution",
    "aten._conv_depthwise2d",
    "aten.conv_depthwise3d",
    "aten._slow_conv2d_forward",
    "aten.slow_conv3d_forward",
    "aten.slow_conv_dilated2d",
    "aten.slow_conv_dilated3d",
)
def convolution(
    ins: tuple[Tensor, ...],
    out: Tensor,
    bias: Tensor | None = None,
    dilation: tuple[int, ...] = (),
    transposed: bool = False,
    groups: int | None = None,
) -> Work:
    """Image and weight come first, whatever a backend calls them."""
    return convolved(ins[0], ins[1], out, groups, dilation, transposed=transposed, added=bias is not None)


@formula(
    "aten.cudnn_convolution_transpose",
    "aten.miopen_convolution_transpose",
    "aten._mps_convolution_transpose",
    "aten.slow_conv_transpose2d",
    "aten.slow_conv_transpose3d",
)
def transposed_convolution(
    self: Tensor,
    weight: Tensor,
    out: Tensor,
    bias: Tensor | None = None,
    dilation: tuple[int, ...] = (),
    groups: int | None = None,
) -> Work:
    """Kernels that do nothing else."""
    return convolved(self, weight, out, groups, dilation, transposed=True, added=bias is not None)


@formula(
    "aten.cudnn_convolution_relu",
    "aten.cudnn_convolution_add_relu",
    "aten.miopen_convolution_relu",
    "aten.miopen_convolution_add_relu",
)
def convolution_relu(
    self: Tensor,
    weight: Tensor,
    out: Tensor,
    dilation: tuple[int, ...],
    groups: int,
    z: Tensor | None = None,
    bias: Tensor | None = None,
) -> Work:
    """A bias, a scaled sum and a ReLU in the same kernel."""
    return convolved(self, weight, out, groups, dilation, added=1 + 2 * (z is not None) + (bias is not None))


@formula("mkldnn._convolution_pointwise", "mkldnn._convolution_transpose_pointwise")
def convolution_with_epilogue(
    X: Tensor,
    W: Tensor,
    out: Tensor,
    dilation: tuple[int, ...],
    groups: int,
    other: Tensor | None = None,
    B: Tensor | None = None,
    attr: str | None = None,
    unary_attr: str | None = None,
    output_padding: tuple[int, ...] | None = None,
) -> Work:
    """oneDNN with a bias, a sum and an activation in the same kernel, an activation counted as one operation."""
    activated = attr not in (None, "none") or unary_attr not in (None, "none")
    added = (B is not None) + (other is not None) + activated
    return convolved(X, W, out, groups, dilation, transposed=output_padding is not None, added=added)


@formula("aten.conv_tbc")
def conv_tbc(self: Tensor, weight: Tensor, out: Tensor) -> Work:
    """(time, batch, c_in) × (kernel, c_in, c_out), and a bias."""
    kernel, c_in, c_out = weight.shape
    shape = Contraction(
        c_in, c_out, self.numel // c_in, out.numel // c_out, kernel=(kernel,), weighted=weight.is_weight
    )
    return Work(shape.convolution, shape.madds, other_ops=out.numel, contraction=shape)

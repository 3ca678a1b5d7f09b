"""Operators of torchvision.

Bilinear sampling weighs four neighbours, a product and a sum each. Source for what they compute: their kernels in
torchvision/csrc/ops.
"""

from __future__ import annotations

from dataclasses import replace

from mac_audit.cost import Work, formula
from mac_audit.formulas.conv import convolved
from mac_audit.network import Tensor

NEIGHBOURS = 4
# Of two boxes: four extremes, two sides cut off at zero (4), intersection, union (2), quotient, comparison.
OVERLAP_OPS = 13


@formula("torchvision.deform_conv2d")
def deform_conv2d(
    input: Tensor,
    weight: Tensor,
    out: Tensor,
    dilation_h: int,
    dilation_w: int,
    groups: int,
    use_mask: bool,
) -> Work:
    """A convolution of positions that offsets move: each element of each window is sampled first, and masked."""
    work = convolved(input, weight, out, groups, (dilation_h, dilation_w), added=1)
    windows = input.shape[1] * weight.shape[2] * weight.shape[3] * (out.numel // out.shape[1])
    reads = {} if use_mask else {"mask": 0}  # an empty one is passed
    return replace(work, other_ops=work.other_ops + windows * (2 * NEIGHBOURS + use_mask), reads=reads)


@formula("torchvision.roi_align", "torchvision.ps_roi_align", "torchvision.qroi_align")
def roi_align(input: Tensor, out: Tensor, sampling_ratio: int) -> Work | None:
    """Averages ``sampling_ratio``² samples in each cell; with none given it depends on the size of each box."""
    if sampling_ratio <= 0:
        return None
    samples = out.numel * sampling_ratio**2
    touched = min(input.elements, NEIGHBOURS * samples)
    return Work("pool", other_ops=samples * (2 * NEIGHBOURS + 1), reads={"input": touched})


@formula("torchvision.nms", "torchvision.qnms")
def nms(dets: Tensor) -> Work:
    """Sorts the boxes and compares each two, which is the most that it can take."""
    boxes = dets.shape[0]
    return Work("reduction", other_ops=OVERLAP_OPS * boxes * (boxes - 1) // 2)

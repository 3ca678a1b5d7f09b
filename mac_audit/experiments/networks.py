"""The networks of the paper's four experiments, one class a table.

What a table leaves open is the same in all of them: no bias, no batch norm (their inference form has none) and, but
in Table 4, no activation between the convolutions.
"""

from __future__ import annotations

from math import ceil, sqrt

import torch
from torch import Tensor, nn

BLOCKS = 10  # "10 building blocks" or "10 layers" in each of the tables
SIDE = 56  # height and width of the input in Tables 1 to 3


def pointwise(c_in: int, c_out: int, groups: int = 1) -> nn.Conv2d:
    """A 1×1 convolution."""
    return nn.Conv2d(c_in, c_out, 1, groups=groups, bias=False)


class ChannelRatio(nn.Sequential):
    """Table 1: ten blocks of a 1×1 convolution from c1 to c2 channels and one back to c1.

    ``(N, c1, 56, 56)`` → the same shape.
    """

    def __init__(self, c1: int, c2: int) -> None:
        super().__init__(*(conv for _ in range(BLOCKS) for conv in (pointwise(c1, c2), pointwise(c2, c1))))
        self.input_size = (c1, SIDE, SIDE)


class GroupedPointwise(nn.Sequential):
    """Table 2: ten 1×1 convolutions from c to c channels in ``groups``.

    ``(N, c, 56, 56)`` → the same shape. One of the printed widths is no multiple of its groups (180 for 8, on the
    ARM core): there c is rounded up, which is also nearer to the multiply-adds of the scan than rounding down.
    """

    def __init__(self, groups: int, c: int) -> None:
        width = groups * ceil(c / groups)
        super().__init__(*(pointwise(width, width, groups) for _ in range(BLOCKS)))
        self.input_size = (width, SIDE, SIDE)


class Sum(nn.ModuleList):
    """Branches that read the same input, joined by addition (Appendix, Figure 1, of the paper)."""

    def forward(self, x: Tensor) -> Tensor:
        first, *others = self
        y: Tensor = first(x)
        for branch in others:
            y = torch.add(y, branch(x))
        return y


class Fragmented(nn.Sequential):
    """Table 3: ten blocks of 1, 2 or 4 1×1 convolutions one after another, or ``parallel`` and added up.

    ``c`` is the width for one fragment; n fragments have c/√n channels each (rounded), which the table does not
    print, but its "fixed FLOPs" demands. ``(N, c/√n, 56, 56)`` → the same shape.
    """

    def __init__(self, c: int, fragments: int, parallel: bool) -> None:
        width = round(c / sqrt(fragments))
        blocks = ([pointwise(width, width) for _ in range(fragments)] for _ in range(BLOCKS))
        super().__init__(*(Sum(convs) if parallel else nn.Sequential(*convs) for convs in blocks))
        self.input_size = (width, SIDE, SIDE)


class Bottleneck(nn.Module):
    """1×1 down to ``width``, 3×3, 1×1 up again; a ReLU after each and a shortcut around all, where these are wanted.

    ``(N, c, H, W)`` → the same shape.
    """

    def __init__(self, c: int, width: int, relu: bool, shortcut: bool) -> None:
        super().__init__()
        self.conv1 = pointwise(c, width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.conv3 = pointwise(width, c)
        self.relu = nn.ReLU() if relu else nn.Identity()
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.conv1(x))
        y = self.relu(self.conv2(y))
        y = self.conv3(y)
        out: Tensor = self.relu(y + x if self.shortcut else y)
        return out


class Bottlenecks(nn.Sequential):
    """Table 4: ten bottlenecks of ResNet, with or without their ReLUs and shortcuts.

    ``(N, c, 56, 56)`` → the same shape.

    The table states neither the input size nor which channels of the unit c counts. Here c is what enters and leaves
    the unit and a quarter of it is inside, the shape of ResNet's own bottleneck (He et al., CVPR 2016, Figure 5), at
    the 56×56 of the other three tables. With c or 4·c channels at the other end, the speeds printed for the ARM core
    would be more multiply-adds a second than it can do. Only ratios between rows mean something.
    """

    def __init__(self, c: int, relu: bool, shortcut: bool) -> None:
        super().__init__(*(Bottleneck(c, c // 4, relu, shortcut) for _ in range(BLOCKS)))
        self.input_size = (c, SIDE, SIDE)


NETWORKS: dict[int, type[nn.Module]] = {1: ChannelRatio, 2: GroupedPointwise, 3: Fragmented, 4: Bottlenecks}

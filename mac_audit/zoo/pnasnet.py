"""PNASNet-5 (Liu et al., *Progressive Neural Architecture Search*, ECCV 2018, arXiv 1712.00559).

There is one cell, that of Figure 1 (left); where the image shrinks it has stride 2. What the paper leaves open
follows the configuration that its authors released, which shares operations and stem with NASNet. Paddings are
symmetric. Drop path and the auxiliary classifier, which only training has, are left out.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from mac_audit.zoo import Factory
from mac_audit.zoo.nasnet import fit, maximum, norm, separable, squeeze


def pool(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """The operation "max 3×3"; a 1×1 convolution and BN follow where the channels change."""
    if in_channels == out_channels:
        return maximum(stride)
    return nn.Sequential(maximum(stride), nn.Conv2d(in_channels, out_channels, 1, bias=False), norm(out_channels))


def identity(channels: int, stride: int) -> nn.Module:
    """The operation "identity"; with a stride it is ReLU, 1×1 convolution, BN."""
    if stride == 1:
        return nn.Identity()
    return nn.Sequential(nn.ReLU(), nn.Conv2d(channels, channels, 1, stride, bias=False), norm(channels))


class Cell(nn.Module):
    """Figure 1 left: five blocks, each the sum of two operations, and the concatenation of all five.

    ``current`` (Hᶜ⁻¹) is the output of the cell before, ``previous`` (Hᶜ⁻²) that of the cell before it, twice
    as large if ``shrink``. ``(N, current_channels, H, W)`` → ``(N, 5·filters, ⌈H/stride⌉, ⌈W/stride⌉)``: the
    operations on the two inputs have the stride, the one on a block has none. The ``first`` cell of a network
    has the same tensor for both inputs, and takes it as it is for the previous one.
    """

    def __init__(
        self,
        previous_channels: int,
        current_channels: int,
        filters: int,
        stride: int = 1,
        *,
        shrink: bool,
        first: bool = False,
    ) -> None:
        super().__init__()
        self.out_channels = 5 * filters
        self.fit_previous = nn.Identity() if first else fit(previous_channels, filters, shrink)
        self.fit_current = squeeze(current_channels, filters)
        fitted = previous_channels if first else filters
        self.left1, self.right1 = separable(fitted, filters, 5, stride), pool(fitted, filters, stride)
        self.left2, self.right2 = separable(filters, filters, 7, stride), maximum(stride)
        self.left3, self.right3 = separable(filters, filters, 5, stride), separable(filters, filters, 3, stride)
        self.left4, self.right4 = separable(filters, filters, 3), maximum(stride)
        self.left5, self.right5 = separable(fitted, filters, 3, stride), identity(filters, stride)

    def forward(self, previous: Tensor, current: Tensor) -> Tensor:
        p, h = self.fit_previous(previous), self.fit_current(current)
        block1 = self.left1(p) + self.right1(p)
        block2 = self.left2(h) + self.right2(h)
        block3 = self.left3(h) + self.right3(h)
        block4 = self.left4(block3) + self.right4(h)
        block5 = self.left5(p) + self.right5(h)
        return torch.cat([block1, block2, block3, block4, block5], dim=1)


class PNASNet(nn.Module):
    """PNASNet-5 (``repeats``, ``filters``): a convolution, two cells of stride 2, and three stages of ``repeats``
    cells (Figure 1 right).

    ``(N, 3, size, size)`` → ``(N, num_classes)``. The first stage has ``filters`` filters, each later one twice
    those of the stage before; its first cell has stride 2.
    """

    def __init__(
        self, repeats: int, filters: int, *, stem_channels: int, size: int = 224, num_classes: int = 1000
    ) -> None:
        super().__init__()
        self.input_size = (3, size, size)
        self.stem = nn.Sequential(nn.Conv2d(3, stem_channels, 3, 2, bias=False), norm(stem_channels))

        plan = [(filters // 4, 2), (filters // 2, 2)]  # filters and stride of each cell
        for stage in range(3):
            width = filters << stage
            plan += [(width, 1 if stage == 0 else 2)] + [(width, 1)] * (repeats - 1)

        self.cells = nn.ModuleList()
        previous, current, shrink = stem_channels, stem_channels, False
        for width, stride in plan:
            cell = Cell(previous, current, width, stride, shrink=shrink, first=not self.cells)
            self.cells.append(cell)
            previous, current, shrink = current, cell.out_channels, stride == 2

        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.5)
        self.classifier = nn.Linear(current, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        previous = current = self.stem(x)
        for cell in self.cells:
            previous, current = current, cell(previous, current)
        x = self.pool(self.relu(current)).flatten(1)
        logits: Tensor = self.classifier(self.dropout(x))
        return logits


MODELS: dict[str, Factory] = {
    "pnasnet5_mobile": partial(PNASNet, repeats=3, filters=54, stem_channels=32),
    "pnasnet5_large": partial(PNASNet, repeats=4, filters=216, stem_channels=96, size=331),
}

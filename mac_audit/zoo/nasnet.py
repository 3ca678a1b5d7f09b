"""NASNet-A (Zoph et al., *Learning Transferable Architectures for Scalable Image Recognition*, CVPR 2018,
arXiv 1707.07012).

The cells are those of Figure 4, stacked as in Figure 2 (right). What the paper leaves open follows the
configuration that its authors released: the width of the stem, and which state the first cell after a
reduction has as its previous one. Paddings are symmetric. Drop path and the auxiliary classifier, which only
training has, are left out.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mac_audit.zoo import Factory


def norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class SeparableConv(nn.Sequential):
    """ReLU, k×k depthwise convolution, 1×1 convolution, BN.

    ``(N, in_channels, H, W)`` → ``(N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉)``.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(in_channels, in_channels, kernel, stride, kernel // 2, groups=in_channels, bias=False),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            norm(out_channels),
        )


def separable(in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """The operation "sep k×k" of Figure 4: a separable convolution, which the paper always applies twice."""
    return nn.Sequential(
        SeparableConv(in_channels, out_channels, kernel, stride),
        SeparableConv(out_channels, out_channels, kernel),
    )


def average(stride: int = 1) -> nn.AvgPool2d:
    return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)


def maximum(stride: int = 1) -> nn.MaxPool2d:
    return nn.MaxPool2d(3, stride, padding=1)


def squeeze(in_channels: int, filters: int) -> nn.Sequential:
    """ReLU, 1×1 convolution, BN: brings a state to the cell's number of filters."""
    return nn.Sequential(nn.ReLU(), nn.Conv2d(in_channels, filters, 1, bias=False), norm(filters))


class FactorizedReduction(nn.Module):
    """Brings a state to the cell's number of filters and half the size.

    ``(N, in_channels, H, W)`` → ``(N, filters, ⌈H/2⌉, ⌈W/2⌉)``. One 1×1 convolution sees the even positions, another
    one the odd positions, and each gives half the filters. Positions are picked by a 1×1 average pooling of stride 2,
    as in the authors' release.
    """

    def __init__(self, in_channels: int, filters: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.pick = nn.AvgPool2d(1, 2)
        self.even = nn.Conv2d(in_channels, filters // 2, 1, bias=False)
        self.odd = nn.Conv2d(in_channels, filters - filters // 2, 1, bias=False)
        self.norm = norm(filters)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(x)
        shifted = F.pad(x, (-1, 1, -1, 1))  # one position up and to the left
        out: Tensor = self.norm(torch.cat([self.even(self.pick(x)), self.odd(self.pick(shifted))], dim=1))
        return out


def fit(channels: int, filters: int, shrink: bool) -> nn.Module:
    """What gives a state the cell's number of filters and, if ``shrink``, half the size."""
    return FactorizedReduction(channels, filters) if shrink else squeeze(channels, filters)


class NormalCell(nn.Module):
    """Figure 4 left: five blocks, each the sum of two operations, and the concatenation of all unused states.

    ``current`` (hᵢ) is the output of the cell before, ``previous`` (hᵢ₋₁) that of the cell before it, twice
    as large if ``shrink``. ``(N, current_channels, H, W)`` → ``(N, 6·filters, H, W)``.

    The ShuffleNet V2 paper counts 13 operations in these blocks: five pairs of separable convolutions and
    three poolings.
    """

    def __init__(self, previous_channels: int, current_channels: int, filters: int, shrink: bool) -> None:
        super().__init__()
        self.out_channels = 6 * filters
        self.fit_previous = fit(previous_channels, filters, shrink)
        self.fit_current = squeeze(current_channels, filters)
        self.left1, self.right1 = separable(filters, filters, 5), separable(filters, filters, 3)
        self.left2, self.right2 = separable(filters, filters, 5), separable(filters, filters, 3)
        self.left3 = average()
        self.left4, self.right4 = average(), average()
        self.left5 = separable(filters, filters, 3)

    def forward(self, previous: Tensor, current: Tensor) -> Tensor:
        p, h = self.fit_previous(previous), self.fit_current(current)
        block1 = self.left1(h) + self.right1(p)
        block2 = self.left2(p) + self.right2(p)
        block3 = self.left3(h) + p
        block4 = self.left4(p) + self.right4(p)
        block5 = self.left5(h) + h
        return torch.cat([p, block1, block2, block3, block4, block5], dim=1)


class ReductionCell(nn.Module):
    """Figure 4 right: as the normal cell, but each operation on one of the two inputs has stride 2.

    ``(N, current_channels, H, W)`` → ``(N, 4·filters, ⌈H/2⌉, ⌈W/2⌉)``. The ``first`` cell of a network has
    the same tensor for both inputs, and takes it as it is for the previous one.
    """

    def __init__(
        self, previous_channels: int, current_channels: int, filters: int, shrink: bool, first: bool = False
    ) -> None:
        super().__init__()
        self.out_channels = 4 * filters
        self.fit_previous = nn.Identity() if first else fit(previous_channels, filters, shrink)
        self.fit_current = squeeze(current_channels, filters)
        fitted = previous_channels if first else filters
        self.left1, self.right1 = separable(filters, filters, 5, 2), separable(fitted, filters, 7, 2)
        self.left2, self.right2 = maximum(2), separable(fitted, filters, 7, 2)
        self.left3, self.right3 = average(2), separable(fitted, filters, 5, 2)
        self.right4 = average()
        self.left5, self.right5 = separable(filters, filters, 3), maximum(2)

    def forward(self, previous: Tensor, current: Tensor) -> Tensor:
        p, h = self.fit_previous(previous), self.fit_current(current)
        block1 = self.left1(h) + self.right1(p)
        block2 = self.left2(h) + self.right2(p)
        block3 = self.left3(h) + self.right3(p)
        block4 = block2 + self.right4(block1)
        block5 = self.left5(block1) + self.right5(h)
        return torch.cat([block2, block3, block4, block5], dim=1)


class NASNet(nn.Module):
    """NASNet-A (``repeats`` @ ``penultimate``): a convolution, two reduction cells, and three stages of
    ``repeats`` normal cells with a reduction cell between each two (Figure 2 right).

    ``(N, 3, size, size)`` → ``(N, num_classes)``. A stage has twice the filters of the stage before, and the
    last one gives ``penultimate`` channels. With ``skip_input`` the cell after a reduction between stages has
    the same previous state as that reduction, in place of the reduction's input.
    """

    def __init__(
        self,
        repeats: int,
        penultimate: int,
        *,
        stem_channels: int,
        size: int = 224,
        skip_input: bool = False,
        num_classes: int = 1000,
    ) -> None:
        super().__init__()
        self.input_size = (3, size, size)
        self.stem = nn.Sequential(nn.Conv2d(3, stem_channels, 3, 2, bias=False), norm(stem_channels))

        filters = penultimate // 6 // 4
        plan: list[tuple[type[NormalCell | ReductionCell], int]] = [(ReductionCell, filters // 2)]
        for stage in range(3):
            plan += [(ReductionCell, filters << stage)] * (stage > 0)
            plan += [(NormalCell, filters << stage)] * repeats

        cell: NormalCell | ReductionCell
        cell = ReductionCell(stem_channels, stem_channels, filters // 4, shrink=False, first=True)
        self.cells = nn.ModuleList([cell])
        self.keeps_previous = [False]
        previous, current, shrink = stem_channels, cell.out_channels, True
        for kind, width in plan:
            cell = kind(previous, current, width, shrink)
            shrink = kind is ReductionCell
            keep = skip_input and shrink and len(self.cells) > 1
            self.cells.append(cell)
            self.keeps_previous.append(keep)
            previous, current = previous if keep else current, cell.out_channels

        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.5)
        self.classifier = nn.Linear(penultimate, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        previous = current = self.stem(x)
        for cell, keep in zip(self.cells, self.keeps_previous, strict=True):
            output = cell(previous, current)
            previous, current = previous if keep else current, output
        x = self.pool(self.relu(current)).flatten(1)
        logits: Tensor = self.classifier(self.dropout(x))
        return logits


MODELS: dict[str, Factory] = {
    "nasnet_a_mobile": partial(NASNet, repeats=4, penultimate=1056, stem_channels=32),
    "nasnet_a_large": partial(NASNet, repeats=6, penultimate=4032, stem_channels=96, size=331, skip_input=True),
}

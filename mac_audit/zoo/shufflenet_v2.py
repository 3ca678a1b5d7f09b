"""ShuffleNet V2 (Ma et al. 2018, arXiv 1807.11164): the network that follows from all four guidelines.

The 1×1 convolutions of a basic unit have equal widths (G1) and no groups (G2), no unit has more than two
branches (G3), half of the channels pass a basic unit untouched, and concat and shuffle replace the add (G4).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mac_audit.zoo import Factory


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Deal the channels of (N, C, H, W) out like cards, so that every group gets some of every other."""
    n, c, h, w = x.shape
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


class ConvNorm(nn.Sequential):
    """Convolution, batch norm and ReLU: (N, in_channels, H, W) to (N, out_channels, H/stride, W/stride)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        *,
        groups: int = 1,
        relu: bool = True,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding=kernel_size // 2,
            groups=groups,
            bias=False,
        )
        self.norm = nn.BatchNorm2d(out_channels)
        if relu:
            self.relu = nn.ReLU(inplace=True)


class SqueezeExcite(nn.Module):
    """Gate every channel of (N, channels, H, W) by what the means of all channels say (Hu et al. 2018)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, hidden)
        self.relu = nn.ReLU(inplace=True)
        self.excite = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.excite(self.relu(self.squeeze(x.mean((2, 3)))))
        return x * gate.sigmoid()[:, :, None, None]


class MainBranch(nn.Sequential):
    """1×1, 3×3 depthwise, 1×1: (N, in_channels, H, W) to (N, channels, H/stride, W/stride).

    The last ReLU is left to the unit, which may add a residual before it. With ``se`` the branch ends in a
    squeeze-and-excite gate; its hidden width is half the unit's channels, which is what one branch has.
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1, se: bool = False) -> None:
        super().__init__()
        self.pointwise1 = ConvNorm(in_channels, channels, 1)
        self.depthwise = ConvNorm(channels, channels, 3, stride, groups=channels, relu=False)
        self.pointwise2 = ConvNorm(channels, channels, 1, relu=False)
        if se:
            self.se = SqueezeExcite(channels, hidden=channels)


class BasicUnit(nn.Module):
    """Keep one half of the channels, convolve the other: (N, channels, H, W) to the same (Figure 3c)."""

    def __init__(self, channels: int, se: bool = False, residual: bool = False) -> None:
        super().__init__()
        self.residual = residual
        self.main = MainBranch(channels // 2, channels // 2, se=se)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        kept, half = x.chunk(2, dim=1)
        convolved = self.main(half)
        if self.residual:
            convolved = convolved + half
        return channel_shuffle(torch.cat((kept, self.relu(convolved)), dim=1), groups=2)


class DownUnit(nn.Module):
    """Convolve all channels in two branches: (N, in_channels, H, W) to (N, channels, H/2, W/2) (Figure 3d).

    With stride 1, as the large models begin their first stage, it only widens.
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 2, se: bool = False) -> None:
        super().__init__()
        self.shortcut = nn.Sequential()
        self.shortcut.depthwise = ConvNorm(in_channels, in_channels, 3, stride, groups=in_channels, relu=False)
        self.shortcut.pointwise = ConvNorm(in_channels, channels // 2, 1)
        self.main = MainBranch(in_channels, channels // 2, stride, se)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return channel_shuffle(torch.cat((self.shortcut(x), self.relu(self.main(x))), dim=1), groups=2)


class Stage(NamedTuple):
    """One down unit followed by basic units; ``units`` counts both."""

    channels: int
    units: int
    stride: int = 2


class ShuffleNetV2(nn.Sequential):
    """Images (N, 3, H, W) to logits (N, num_classes): stem, max pool, stages, 1×1 convolution, classifier.

    ``stem`` lists the widths of its 3×3 convolutions, of which the first has stride 2. The stages are called
    stage2, stage3, ... as in Table 5. ``se`` and ``residual`` choose the units of the appendix.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        head: int = 1024,
        stem: Sequence[int] = (24,),
        *,
        se: bool = False,
        residual: bool = False,
        num_classes: int = 1000,
    ) -> None:
        super().__init__()
        self.input_size = (3, 224, 224)
        self.stem = nn.Sequential()
        channels = 3
        for width in stem:
            self.stem.append(ConvNorm(channels, width, 3, stride=1 if len(self.stem) else 2))
            channels = width
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        for number, stage in enumerate(stages, start=2):
            units: list[nn.Module] = [DownUnit(channels, stage.channels, stage.stride, se)]
            units += [BasicUnit(stage.channels, se, residual) for _ in range(stage.units - 1)]
            self.add_module(f"stage{number}", nn.Sequential(*units))
            channels = stage.channels
        self.head = ConvNorm(channels, head, 1)
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(head, num_classes)


def table5(channels: int) -> list[Stage]:
    """The stages of Table 5, whose widths double from the ``channels`` of stage 2."""
    return [Stage(channels, 4), Stage(2 * channels, 8), Stage(4 * channels, 4)]


# Appendix Table 2, whose conv2 to conv5 are stages 2 to 5 here.
V2_50 = [Stage(244, 3, stride=1), Stage(488, 4), Stage(976, 6), Stage(1952, 3)]
V2_164 = [Stage(340, 10, stride=1), Stage(680, 10), Stage(1360, 23), Stage(2720, 10)]

MODELS: dict[str, Factory] = {
    "shufflenet_v2_x0_5": partial(ShuffleNetV2, table5(48)),
    "shufflenet_v2_x1_0": partial(ShuffleNetV2, table5(116)),
    "shufflenet_v2_x1_5": partial(ShuffleNetV2, table5(176)),
    "shufflenet_v2_x2_0": partial(ShuffleNetV2, table5(244), head=2048),
    "shufflenet_v2_x2_0_se": partial(ShuffleNetV2, table5(244), head=2048, se=True),
    "shufflenet_v2_50": partial(ShuffleNetV2, V2_50, head=2048, stem=(64,)),
    "shufflenet_v2_164_se": partial(ShuffleNetV2, V2_164, head=2048, stem=(64, 64, 128), se=True, residual=True),
}

TORCHVISION_KEYS = [
    (r"^conv1\.0\.", "stem.0.conv."),
    (r"^conv1\.1\.", "stem.0.norm."),
    (r"branch1\.0\.", "shortcut.depthwise.conv."),
    (r"branch1\.1\.", "shortcut.depthwise.norm."),
    (r"branch1\.2\.", "shortcut.pointwise.conv."),
    (r"branch1\.3\.", "shortcut.pointwise.norm."),
    (r"branch2\.0\.", "main.pointwise1.conv."),
    (r"branch2\.1\.", "main.pointwise1.norm."),
    (r"branch2\.3\.", "main.depthwise.conv."),
    (r"branch2\.4\.", "main.depthwise.norm."),
    (r"branch2\.5\.", "main.pointwise2.conv."),
    (r"branch2\.6\.", "main.pointwise2.norm."),
    (r"^conv5\.0\.", "head.conv."),
    (r"^conv5\.1\.", "head.norm."),
]

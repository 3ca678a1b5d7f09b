"""ShuffleNet (Zhang et al. 2018, arXiv 1707.01083): grouped 1×1 convolutions joined by a channel shuffle."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from mac_audit.zoo import Factory
from mac_audit.zoo.shufflenet_v2 import ConvNorm, channel_shuffle


class Shuffle(nn.Module):
    """Channel shuffle as a layer: (N, C, H, W) to the same."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        return channel_shuffle(x, self.groups)


class Bottleneck(nn.Sequential):
    """Grouped 1×1, shuffle, 3×3 depthwise, grouped 1×1.

    It takes (N, in_channels, H, W) to (N, out_channels, H/stride, W/stride). ``groups`` are those of the
    first and of the last convolution; with one group there is nothing to shuffle.
    """

    def __init__(self, in_channels: int, mid: int, out_channels: int, stride: int, groups: tuple[int, int]) -> None:
        super().__init__()
        self.reduce = ConvNorm(in_channels, mid, 1, groups=groups[0])
        if groups[1] > 1:
            self.shuffle = Shuffle(groups[1])
        self.depthwise = ConvNorm(mid, mid, 3, stride, groups=mid, relu=False)
        self.expand = ConvNorm(mid, out_channels, 1, groups=groups[1], relu=False)


class BasicUnit(nn.Module):
    """Bottleneck with residual: (N, channels, H, W) to the same (Figure 2b)."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.main = Bottleneck(channels, channels // 4, channels, 1, (groups, groups))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.main(x) + x)
        return out


class DownUnit(nn.Module):
    """Bottleneck beside average pool: (N, in_channels, H, W) to (N, channels, H/2, W/2) (Figure 2c).

    The pooled input makes the first ``in_channels`` of the result, the bottleneck the others. The first unit
    of a network does without ``grouped_input``, for its channels are too few to be worth grouping.
    """

    def __init__(self, in_channels: int, channels: int, groups: int, grouped_input: bool = True) -> None:
        super().__init__()
        self.shortcut = nn.AvgPool2d(3, stride=2, padding=1)
        self.main = Bottleneck(
            in_channels, channels // 4, channels - in_channels, 2, (groups if grouped_input else 1, groups)
        )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(torch.cat((self.shortcut(x), self.main(x)), dim=1))
        return out


class ShuffleNetV1(nn.Sequential):
    """Images (N, 3, H, W) to logits (N, num_classes), in the stages of the paper's Table 1.

    ``channels`` is the width of stage 2, which doubles from stage to stage, ``stem`` that of the first
    convolution.
    """

    def __init__(self, channels: int, groups: int, stem: int = 24, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_size = (3, 224, 224)
        self.stem = ConvNorm(3, stem, 3, stride=2)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        before = stem
        for number, units in ((2, 4), (3, 8), (4, 4)):
            first = DownUnit(before, channels, groups, grouped_input=number > 2)
            others = (BasicUnit(channels, groups) for _ in range(units - 1))
            self.add_module(f"stage{number}", nn.Sequential(first, *others))
            before, channels = channels, 2 * channels
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(before, num_classes)


MODELS: dict[str, Factory] = {
    "shufflenet_v1_g1_x1_0": partial(ShuffleNetV1, 144, groups=1),
    "shufflenet_v1_g2_x1_0": partial(ShuffleNetV1, 200, groups=2),
    "shufflenet_v1_g3_x0_5": partial(ShuffleNetV1, 120, groups=3, stem=12),
    "shufflenet_v1_g3_x1_0": partial(ShuffleNetV1, 240, groups=3),
    "shufflenet_v1_g3_x1_5": partial(ShuffleNetV1, 360, groups=3),
    "shufflenet_v1_g3_x2_0": partial(ShuffleNetV1, 480, groups=3, stem=48),
    "shufflenet_v1_g4_x1_0": partial(ShuffleNetV1, 272, groups=4),
    "shufflenet_v1_g8_x1_0": partial(ShuffleNetV1, 384, groups=8),
}

"""MobileNet V2 (Sandler et al. 2018, arXiv 1801.04381): narrow layers joined by residuals, wide between."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from torch import Tensor, nn

from mac_audit.zoo import Factory


class Stage(NamedTuple):
    """One row of Table 2: ``units`` bottlenecks of one width, of which the first has the stride."""

    expansion: int
    channels: int
    units: int
    stride: int


STAGES = [
    Stage(1, 16, 1, 1),
    Stage(6, 24, 2, 2),
    Stage(6, 32, 3, 2),
    Stage(6, 64, 4, 2),
    Stage(6, 96, 3, 1),
    Stage(6, 160, 3, 2),
    Stage(6, 320, 1, 1),
]


def scaled(channels: int, width: float) -> int:
    """``channels · width`` to the nearest multiple of 8, or the next where that loses more than a tenth."""
    exact = channels * width
    rounded = max(8, int(exact / 8 + 0.5) * 8)
    return rounded if rounded >= 0.9 * exact else rounded + 8


class ConvNorm(nn.Sequential):
    """Convolution, batch norm and ReLU6: (N, in_channels, H, W) to (N, out_channels, H/stride, W/stride)."""

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
            self.relu = nn.ReLU6(inplace=True)


class InvertedResidual(nn.Module):
    """Expand, 3×3 depthwise, project: (N, in_channels, H, W) to (N, out_channels, H/stride, W/stride).

    This is Table 1. The projection is linear; the input is added where the result has its shape.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = in_channels * expansion
        self.residual = stride == 1 and in_channels == out_channels
        self.main = nn.Sequential()
        if expansion > 1:
            self.main.expand = ConvNorm(in_channels, hidden, 1)
        self.main.depthwise = ConvNorm(hidden, hidden, 3, stride, groups=hidden)
        self.main.project = ConvNorm(hidden, out_channels, 1, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.main(x)
        return x + out if self.residual else out


class MobileNetV2(nn.Sequential):
    """Images (N, 3, H, W) to logits (N, num_classes) (Table 2).

    ``width`` multiplies the channels of every layer, but the last 1×1 convolution never has less than 1280.
    ``side`` is the height and width of the images that the network was published for.
    """

    def __init__(self, width: float = 1.0, side: int = 224, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_size = (3, side, side)
        channels = scaled(32, width)
        self.stem = ConvNorm(3, channels, 3, stride=2)
        self.units = nn.Sequential()
        for stage in STAGES:
            out_channels = scaled(stage.channels, width)
            for index in range(stage.units):
                stride = 1 if index else stage.stride
                self.units.append(InvertedResidual(channels, out_channels, stride, stage.expansion))
                channels = out_channels
        last = scaled(1280, max(1.0, width))
        self.head = ConvNorm(channels, last, 1)
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(last, num_classes)


MODELS: dict[str, Factory] = {
    "mobilenet_v2_x0_15": partial(MobileNetV2, 0.15),
    "mobilenet_v2_x0_4": partial(MobileNetV2, 0.4, side=160),
    "mobilenet_v2_x0_6": partial(MobileNetV2, 0.6),
    "mobilenet_v2_x0_75": partial(MobileNetV2, 0.75, side=192),
    "mobilenet_v2_x1_0": partial(MobileNetV2, 1.0),
    "mobilenet_v2_x1_4": partial(MobileNetV2, 1.4),
}

TORCHVISION_KEYS = [
    (r"^features\.0\.0\.", "stem.conv."),
    (r"^features\.0\.1\.", "stem.norm."),
    # The first unit has nothing to expand.
    (r"^features\.1\.conv\.0\.0\.", "units.0.main.depthwise.conv."),
    (r"^features\.1\.conv\.0\.1\.", "units.0.main.depthwise.norm."),
    (r"^features\.1\.conv\.1\.", "units.0.main.project.conv."),
    (r"^features\.1\.conv\.2\.", "units.0.main.project.norm."),
    *((rf"^features\.{unit + 1}\.conv\.", f"units.{unit}.main.") for unit in range(1, 17)),
    (r"main\.0\.0\.", "main.expand.conv."),
    (r"main\.0\.1\.", "main.expand.norm."),
    (r"main\.1\.0\.", "main.depthwise.conv."),
    (r"main\.1\.1\.", "main.depthwise.norm."),
    (r"main\.2\.", "main.project.conv."),
    (r"main\.3\.", "main.project.norm."),
    (r"^features\.18\.0\.", "head.conv."),
    (r"^features\.18\.1\.", "head.norm."),
    (r"^classifier\.1\.", "fc."),
]

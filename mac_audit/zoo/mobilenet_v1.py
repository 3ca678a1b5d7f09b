"""MobileNet (Howard et al. 2017, arXiv 1704.04861): a chain of depthwise separable convolutions."""

from __future__ import annotations

from functools import partial

from torch import nn

from mac_audit.zoo import Factory

# Output channels and stride of each separable convolution (Table 1).
LAYERS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *5 * [(512, 1)], (1024, 2), (1024, 1)]


class ConvNorm(nn.Sequential):
    """Convolution, batch norm and ReLU: (N, in_channels, H, W) to (N, out_channels, H/stride, W/stride)."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, groups: int = 1) -> None:
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
        self.relu = nn.ReLU(inplace=True)


class SeparableConv(nn.Sequential):
    """3×3 depthwise, then 1×1: (N, in_channels, H, W) to (N, out_channels, H/stride, W/stride) (Figure 3)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.depthwise = ConvNorm(in_channels, in_channels, 3, stride, groups=in_channels)
        self.pointwise = ConvNorm(in_channels, out_channels, 1)


class MobileNetV1(nn.Sequential):
    """Images (N, 3, H, W) to logits (N, num_classes) (Table 1).

    ``width`` multiplies the channels of every layer.
    """

    def __init__(self, width: float = 1.0, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_size = (3, 224, 224)
        channels = int(32 * width)
        self.stem = ConvNorm(3, channels, 3, stride=2)
        self.layers = nn.Sequential()
        for full_width, stride in LAYERS:
            out_channels = int(full_width * width)
            self.layers.append(SeparableConv(channels, out_channels, stride))
            channels = out_channels
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(channels, num_classes)


MODELS: dict[str, Factory] = {
    "mobilenet_v1_x0_25": partial(MobileNetV1, 0.25),
    "mobilenet_v1_x0_5": partial(MobileNetV1, 0.5),
    "mobilenet_v1_x0_75": partial(MobileNetV1, 0.75),
    "mobilenet_v1_x1_0": partial(MobileNetV1, 1.0),
}

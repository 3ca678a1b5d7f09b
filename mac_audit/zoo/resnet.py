"""ResNet (He et al., *Deep Residual Learning for Image Recognition*, CVPR 2016, arXiv 1512.03385) and ResNeXt
(Xie et al., *Aggregated Residual Transformations for Deep Neural Networks*, CVPR 2017, arXiv 1611.05431).

Both follow Table 1 of their paper, with the projection shortcut (option B) wherever the shape changes.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from mac_audit.zoo import Factory

TORCHVISION_KEYS = (
    (r"^conv1\.", "stem.0."),
    (r"^bn1\.", "stem.1."),
    (r"^layer", "stage"),
    (r"\.conv(\d)\.", r".conv\1.0."),
    (r"\.bn(\d)\.", r".conv\1.1."),
    (r"\.downsample\.", ".shortcut."),
    (r"^fc\.", "classifier."),
)


def conv_norm(in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """A convolution that keeps the size (divided by ``stride``) and its batch norm."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
    )


def shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """The identity where the shape stays, a 1×1 projection where it does not."""
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return conv_norm(in_channels, out_channels, 1, stride)


class BasicBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut (He et al., Figure 5 left).

    ``(N, in_channels, H, W)`` → ``(N, out_channels, H/stride, W/stride)``.
    """

    def __init__(self, in_channels: int, width: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = conv_norm(in_channels, width, 3, stride)
        self.conv2 = conv_norm(width, out_channels, 3)
        self.shortcut = shortcut(in_channels, out_channels, stride)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.conv1(x))
        out: Tensor = self.relu(self.conv2(y) + self.shortcut(x))
        return out


class Bottleneck(nn.Module):
    """1×1 down to ``width``, 3×3 in ``groups``, 1×1 up again, beside a shortcut (He et al., Figure 5 right;
    Xie et al., Figure 3c).

    ``(N, in_channels, H, W)`` → ``(N, out_channels, H/stride, W/stride)``. The stride is on the 3×3, as in
    ResNeXt and in torchvision ("ResNet v1.5"); He et al. have it on the first 1×1, with which ResNet-50 has
    3.8 and not 4.1 G multiply-adds.
    """

    def __init__(self, in_channels: int, width: int, out_channels: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv1 = conv_norm(in_channels, width, 1)
        self.conv2 = conv_norm(width, width, 3, stride, groups)
        self.conv3 = conv_norm(width, out_channels, 1)
        self.shortcut = shortcut(in_channels, out_channels, stride)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.conv1(x))
        y = self.relu(self.conv2(y))
        out: Tensor = self.relu(self.conv3(y) + self.shortcut(x))
        return out


def stage(
    block: Factory, repeats: int, in_channels: int, width: int, out_channels: int, *, stride: int = 2
) -> nn.Sequential:
    """``repeats`` blocks, the first of which changes the channels and has the stride."""
    first = block(in_channels, width, out_channels, stride)
    return nn.Sequential(first, *(block(out_channels, width, out_channels) for _ in range(repeats - 1)))


class ResNet(nn.Module):
    """A stem, four stages of residual blocks and a linear classifier (Table 1 of both papers).

    ``(N, 3, 224, 224)`` → ``(N, num_classes)``; the stages work at 56, 28, 14 and 7. The first stage's blocks
    have ``width`` channels within and ``channels`` at their output, those of each later stage twice as many.
    """

    def __init__(
        self,
        block: Factory,
        repeats: tuple[int, int, int, int],
        width: int,
        channels: int,
        num_classes: int = 1000,
    ) -> None:
        super().__init__()
        self.input_size = (3, 224, 224)
        self.stem = nn.Sequential(*conv_norm(3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, padding=1))
        self.stage1 = stage(block, repeats[0], 64, width, channels, stride=1)
        self.stage2 = stage(block, repeats[1], channels, 2 * width, 2 * channels)
        self.stage3 = stage(block, repeats[2], 2 * channels, 4 * width, 4 * channels)
        self.stage4 = stage(block, repeats[3], 4 * channels, 8 * width, 8 * channels)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(8 * channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        logits: Tensor = self.classifier(self.pool(x).flatten(1))
        return logits


MODELS: dict[str, Factory] = {
    "resnet18": partial(ResNet, BasicBlock, (2, 2, 2, 2), 64, 64),
    "resnet50": partial(ResNet, Bottleneck, (3, 4, 6, 3), 64, 256),
    "resnext50_32x4d": partial(ResNet, partial(Bottleneck, groups=32), (3, 4, 6, 3), 128, 256),
}

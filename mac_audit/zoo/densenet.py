"""DenseNet-BC (Huang et al., *Densely Connected Convolutional Networks*, CVPR 2017, arXiv 1608.06993)."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from mac_audit.zoo import Factory

TORCHVISION_KEYS = (
    (r"^features\.conv0\.", "stem.0."),
    (r"^features\.norm0\.", "stem.1."),
    (r"^features\.norm5\.", "head.0."),
    (r"^features\.denseblock(\d)\.dense", r"stages.block\1."),
    (r"^features\.transition(\d)\.norm\.", r"stages.transition\1.0."),
    (r"^features\.transition(\d)\.conv\.", r"stages.transition\1.2."),
)


class DenseLayer(nn.Module):
    """BN, ReLU, 1×1 down to four times the growth, BN, ReLU, 3×3 to the growth; appended to what came in.

    ``(N, channels, H, W)`` → ``(N, channels + growth, H, W)``.
    """

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        width = 4 * growth
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, growth, 3, padding=1, bias=False)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        new = self.conv1(self.relu(self.norm1(x)))
        new = self.conv2(self.relu(self.norm2(new)))
        return torch.cat([x, new], dim=1)


def dense_block(layers: int, channels: int, growth: int) -> nn.Sequential:
    """``layers`` dense layers, each reading the outputs of all before it."""
    block = nn.Sequential()
    for n in range(layers):
        block.add_module(f"layer{n + 1}", DenseLayer(channels + n * growth, growth))
    return block


def transition(in_channels: int, out_channels: int) -> nn.Sequential:
    """Compresses the channels with a 1×1 convolution and halves the size."""
    return nn.Sequential(
        nn.BatchNorm2d(in_channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(in_channels, out_channels, 1, bias=False),
        nn.AvgPool2d(2),
    )


class DenseNet(nn.Module):
    """A stem, four dense blocks with a transition between each two and a linear classifier (Table 1).

    ``(N, 3, 224, 224)`` → ``(N, num_classes)``; the blocks work at 56, 28, 14 and 7. A transition keeps half
    of its channels (θ = 0.5).
    """

    def __init__(self, layers: tuple[int, int, int, int], growth: int = 32, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_size = (3, 224, 224)
        channels = 2 * growth
        self.stem = nn.Sequential(
            nn.Conv2d(3, channels, 7, 2, padding=3, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, padding=1),
        )
        self.stages = nn.Sequential()
        for n, count in enumerate(layers, start=1):
            if n > 1:
                self.stages.add_module(f"transition{n - 1}", transition(channels, channels // 2))
                channels //= 2
            self.stages.add_module(f"block{n}", dense_block(count, channels, growth))
            channels += count * growth
        self.head = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1))
        self.classifier = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.head(self.stages(self.stem(x)))
        logits: Tensor = self.classifier(x.flatten(1))
        return logits


MODELS: dict[str, Factory] = {"densenet121": partial(DenseNet, (6, 12, 24, 16))}

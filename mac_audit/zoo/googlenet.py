"""GoogLeNet (Szegedy et al., *Going Deeper with Convolutions*, CVPR 2015, arXiv 1409.4842).

Table 1 of the paper in its inference form, without the two auxiliary classifiers. It is the network that
torchvision has weights for, and differs from the paper's where that does: batch norm after each convolution,
no local response normalisation, and 3×3 convolutions in the branch that the paper gives 5×5.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mac_audit.zoo import Factory

TORCHVISION_KEYS = (
    (r"^conv1\.", "stem.0."),
    (r"^conv2\.", "stem.2."),
    (r"^conv3\.", "stem.3."),
    (r"\.conv\.", ".0."),
    (r"\.bn\.", ".1."),
    (r"^fc\.", "classifier."),
)


def conv_norm_relu(in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """A convolution that keeps the size (divided by ``stride``), batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(out_channels, eps=1e-3),
        nn.ReLU(inplace=True),
    )


def shrink(kernel: int = 3) -> nn.MaxPool2d:
    """Max pooling that halves the size, rounding up."""
    return nn.MaxPool2d(kernel, 2, ceil_mode=True)


class Inception(nn.Module):
    """Four branches and their concatenation (Figure 2b): 1×1; 1×1 → 3×3; 1×1 → "5×5"; pooling → 1×1.

    ``(N, in_channels, H, W)`` → ``(N, sum of the branches' last widths, H, W)``. The widths are the columns
    of Table 1 in their order: #1×1; #3×3 reduce, #3×3; #5×5 reduce, #5×5; pool proj.
    """

    def __init__(
        self, in_channels: int, width1: int, widths3: tuple[int, int], widths5: tuple[int, int], pool: int
    ) -> None:
        super().__init__()
        self.branch1 = conv_norm_relu(in_channels, width1, 1)
        self.branch2 = nn.Sequential(conv_norm_relu(in_channels, widths3[0], 1), conv_norm_relu(*widths3, 3))
        self.branch3 = nn.Sequential(conv_norm_relu(in_channels, widths5[0], 1), conv_norm_relu(*widths5, 3))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), conv_norm_relu(in_channels, pool, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], dim=1)


class GoogLeNet(nn.Module):
    """A convolutional stem, nine Inception modules in three stages and a linear classifier (Table 1).

    ``(N, 3, 224, 224)`` → ``(N, num_classes)``; the stages work at 28, 14 and 7.
    """

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_size = (3, 224, 224)
        self.stem = nn.Sequential(
            conv_norm_relu(3, 64, 7, 2),
            shrink(),
            conv_norm_relu(64, 64, 1),
            conv_norm_relu(64, 192, 3),
            shrink(),
        )
        self.inception3a = Inception(192, 64, (96, 128), (16, 32), 32)
        self.inception3b = Inception(256, 128, (128, 192), (32, 96), 64)
        self.shrink3 = shrink()
        self.inception4a = Inception(480, 192, (96, 208), (16, 48), 64)
        self.inception4b = Inception(512, 160, (112, 224), (24, 64), 64)
        self.inception4c = Inception(512, 128, (128, 256), (24, 64), 64)
        self.inception4d = Inception(512, 112, (144, 288), (32, 64), 64)
        self.inception4e = Inception(528, 256, (160, 320), (32, 128), 128)
        self.shrink4 = shrink(2)
        self.inception5a = Inception(832, 256, (160, 320), (32, 128), 128)
        self.inception5b = Inception(832, 384, (192, 384), (48, 128), 128)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.4)
        self.classifier = nn.Linear(1024, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = self.shrink3(self.inception3b(self.inception3a(x)))
        x = self.inception4c(self.inception4b(self.inception4a(x)))
        x = self.shrink4(self.inception4e(self.inception4d(x)))
        x = self.inception5b(self.inception5a(x))
        logits: Tensor = self.classifier(self.dropout(self.pool(x).flatten(1)))
        return logits


MODELS: dict[str, Factory] = {"googlenet": GoogLeNet}

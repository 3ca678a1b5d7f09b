"""Inception-v3 (Szegedy et al., *Rethinking the Inception Architecture for Computer Vision*, CVPR 2016,
arXiv 1512.00567).

The network of Table 1 in its inference form, without the auxiliary classifier. It is the one that the authors
released and torchvision has, and differs from the paper's where that does: a 1×1 convolution and a second max
pooling in the stem, and a 5×5 convolution in the modules at 35×35.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mac_audit.zoo import Factory

TORCHVISION_KEYS = (
    (r"^Conv2d_1a_3x3\.", "stem.0."),
    (r"^Conv2d_2a_3x3\.", "stem.1."),
    (r"^Conv2d_2b_3x3\.", "stem.2."),
    (r"^Conv2d_3b_1x1\.", "stem.4."),
    (r"^Conv2d_4a_3x3\.", "stem.5."),
    (r"^Mixed_", "mixed"),
    (r"\.branch1x1\.", ".point."),
    (r"\.branch_pool\.", ".pool.1."),
    (r"\.branch(3x3dbl|7x7dbl|7x7x3)", ".long"),
    (r"\.branch(3x3|5x5|7x7)", ".short"),
    (r"\.short_2a\.", ".short.1.row."),
    (r"\.short_2b\.", ".short.1.column."),
    (r"\.long_3a\.", ".long.2.row."),
    (r"\.long_3b\.", ".long.2.column."),
    (r"_1\.", ".0."),
    (r"_2\.", ".1."),
    (r"_3\.", ".2."),
    (r"_4\.", ".3."),
    (r"_5\.", ".4."),
    (r"\.conv\.", ".0."),
    (r"\.bn\.", ".1."),
    (r"^fc\.", "classifier."),
)

ROW, COLUMN = (1, 7), (7, 1)


def conv(in_channels: int, out_channels: int, kernel: int | tuple[int, int]) -> nn.Sequential:
    """A convolution that keeps the size, batch norm and ReLU; ``kernel`` is its side, or height and width."""
    height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, (height, width), padding=(height // 2, width // 2), bias=False),
        nn.BatchNorm2d(out_channels, eps=1e-3),
        nn.ReLU(inplace=True),
    )


def bare_conv(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    """A 3×3 convolution without padding, batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride, bias=False),
        nn.BatchNorm2d(out_channels, eps=1e-3),
        nn.ReLU(inplace=True),
    )


def pool_conv(in_channels: int, out_channels: int) -> nn.Sequential:
    """The branch that every module at constant size has: average pooling and a 1×1 convolution."""
    return nn.Sequential(nn.AvgPool2d(3, 1, padding=1), conv(in_channels, out_channels, 1))


class Module35(nn.Module):
    """Figure 5: 1×1; 1×1 → 5×5; 1×1 → 3×3 → 3×3; pooling → 1×1.

    ``(N, in_channels, H, W)`` → ``(N, 224 + pool, H, W)``. The long branch is what the paper replaces a 5×5 by.
    """

    def __init__(self, in_channels: int, pool: int) -> None:
        super().__init__()
        self.point = conv(in_channels, 64, 1)
        self.short = nn.Sequential(conv(in_channels, 48, 1), conv(48, 64, 5))
        self.long = nn.Sequential(conv(in_channels, 64, 1), conv(64, 96, 3), conv(96, 96, 3))
        self.pool = pool_conv(in_channels, pool)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.point(x), self.short(x), self.long(x), self.pool(x)], dim=1)


class Reduction35(nn.Module):
    """Figure 10: 3×3 of stride 2; 1×1 → 3×3 → 3×3 of stride 2; max pooling.

    ``(N, in_channels, H, W)`` → ``(N, 480 + in_channels, ⌊(H-1)/2⌋, ⌊(W-1)/2⌋)``.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.short = bare_conv(in_channels, 384, 2)
        self.long = nn.Sequential(conv(in_channels, 64, 1), conv(64, 96, 3), bare_conv(96, 96, 2))
        self.pool = nn.MaxPool2d(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.short(x), self.long(x), self.pool(x)], dim=1)


class Module17(nn.Module):
    """Figure 6 with n = 7: 1×1; 1×1 → 7×7; 1×1 → 7×7 → 7×7; pooling → 1×1; each 7×7 as a 1×7 and a 7×1.

    ``(N, 768, H, W)`` → ``(N, 768, H, W)``; ``width`` is that of the convolutions within the branches.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.point = conv(768, 192, 1)
        self.short = nn.Sequential(conv(768, width, 1), conv(width, width, ROW), conv(width, 192, COLUMN))
        self.long = nn.Sequential(
            conv(768, width, 1),
            conv(width, width, COLUMN),
            conv(width, width, ROW),
            conv(width, width, COLUMN),
            conv(width, 192, ROW),
        )
        self.pool = pool_conv(768, 192)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.point(x), self.short(x), self.long(x), self.pool(x)], dim=1)


class Reduction17(nn.Module):
    """As Figure 10, with: 1×1 → 3×3 of stride 2; 1×1 → 1×7 → 7×1 → 3×3 of stride 2; max pooling.

    ``(N, 768, H, W)`` → ``(N, 1280, ⌊(H-1)/2⌋, ⌊(W-1)/2⌋)``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.short = nn.Sequential(conv(768, 192, 1), bare_conv(192, 320, 2))
        self.long = nn.Sequential(
            conv(768, 192, 1), conv(192, 192, ROW), conv(192, 192, COLUMN), bare_conv(192, 192, 2)
        )
        self.pool = nn.MaxPool2d(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.short(x), self.long(x), self.pool(x)], dim=1)


class Fork(nn.Module):
    """A 1×3 and a 3×1 convolution side by side. ``(N, in_channels, H, W)`` → ``(N, 768, H, W)``."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.row = conv(in_channels, 384, (1, 3))
        self.column = conv(in_channels, 384, (3, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.row(x), self.column(x)], dim=1)


class Module8(nn.Module):
    """Figure 7, the expanded filter bank: 1×1; 1×1 → fork; 1×1 → 3×3 → fork; pooling → 1×1.

    ``(N, in_channels, H, W)`` → ``(N, 2048, H, W)``.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.point = conv(in_channels, 320, 1)
        self.short = nn.Sequential(conv(in_channels, 384, 1), Fork(384))
        self.long = nn.Sequential(conv(in_channels, 448, 1), conv(448, 384, 3), Fork(384))
        self.pool = pool_conv(in_channels, 192)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.point(x), self.short(x), self.long(x), self.pool(x)], dim=1)


class InceptionV3(nn.Module):
    """A convolutional stem, modules at three sizes with a reduction between each two, and a linear classifier.

    ``(N, 3, 299, 299)`` → ``(N, num_classes)``; the modules work at 35, 17 and 8. The image has to be at least
    75×75.
    """

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_size = (3, 299, 299)
        self.stem = nn.Sequential(
            bare_conv(3, 32, 2),
            bare_conv(32, 32),
            conv(32, 64, 3),
            nn.MaxPool2d(3, 2),
            conv(64, 80, 1),
            bare_conv(80, 192),
            nn.MaxPool2d(3, 2),
        )
        self.mixed5b = Module35(192, pool=32)
        self.mixed5c = Module35(256, pool=64)
        self.mixed5d = Module35(288, pool=64)
        self.mixed6a = Reduction35(288)
        self.mixed6b = Module17(128)
        self.mixed6c = Module17(160)
        self.mixed6d = Module17(160)
        self.mixed6e = Module17(192)
        self.mixed7a = Reduction17()
        self.mixed7b = Module8(1280)
        self.mixed7c = Module8(2048)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.5)
        self.classifier = nn.Linear(2048, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = self.mixed5d(self.mixed5c(self.mixed5b(x)))
        x = self.mixed6a(x)
        x = self.mixed6e(self.mixed6d(self.mixed6c(self.mixed6b(x))))
        x = self.mixed7a(x)
        x = self.mixed7c(self.mixed7b(x))
        logits: Tensor = self.classifier(self.dropout(self.pool(x).flatten(1)))
        return logits


MODELS: dict[str, Factory] = {"inception_v3": InceptionV3}

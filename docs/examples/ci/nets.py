"""Two models of a project that has `mac-audit` in its CI."""

from torch import nn


class Encoder(nn.Module):
    """Equal widths throughout."""

    def __init__(self, width: int = 32, layers: int = 3):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.body = nn.Sequential(*[nn.Conv2d(width, width, 1) for _ in range(layers)])

    def forward(self, x):
        return self.body(self.stem(x))


class Detector(nn.Module):
    """A wide neck that somebody decided for, and a head that nobody did."""

    def __init__(self, classes: int = 4):
        super().__init__()
        self.encoder = Encoder()
        self.neck = nn.Conv2d(32, 256, 1)  # mac-audit: ignore[G1] the weights are published
        self.head = nn.Conv2d(256, classes, 1)

    def forward(self, x):
        return self.head(self.neck(self.encoder(x)))

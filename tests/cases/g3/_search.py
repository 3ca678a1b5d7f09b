"""An operator of the search space of two_cells_back.py."""

from torch import nn


class Separable(nn.Module):
    def __init__(self, channels, kernel):
        super().__init__()
        self.spatial = nn.Conv2d(channels, channels, kernel, padding=kernel // 2)
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        return self.mix(self.spatial(x))

"""The block chose the ratio, whatever width it is given: nothing on the lines that make the blocks could be mended."""

import torch
from torch import nn


class Squeeze(nn.Module):
    def __init__(self, channels):
        super().__init__()
        # Different widths come from these two lines, and the same ratio, which they chose.
        self.narrow = nn.Conv2d(channels, channels // 8, 1)  # expect: G1
        self.widen = nn.Conv2d(channels // 8, channels, 1)  # expect: G1

    def forward(self, x):
        return self.widen(self.narrow(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lower = Squeeze(128)
        self.grow = nn.Conv2d(128, 256, 3, padding=1)
        self.upper = Squeeze(256)

    def forward(self, x):
        return self.upper(self.grow(self.lower(x)))


def build_model():
    return Net()


example_inputs = torch.empty(1, 128, 28, 28)

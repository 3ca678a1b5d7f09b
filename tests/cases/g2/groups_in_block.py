"""The block chose its groups, whatever width it is given."""

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        # Two shapes come from this line, and one number of groups, which it chose.
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, groups=8)  # expect: G2

    def forward(self, x):
        return self.conv(x)


def build_model():
    return Net()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lower = Block(64)
        self.grow = nn.Conv2d(64, 128, 3, padding=1)
        self.upper = Block(128)

    def forward(self, x):
        return self.upper(self.grow(self.lower(x)))


example_inputs = torch.empty(1, 64, 32, 32)

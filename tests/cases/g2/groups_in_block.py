"""The block chose its groups, whatever width it is given."""

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        # The lines that make the blocks are named: each stands for one shape, this one for two.
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, groups=8)  # todo: G2

    def forward(self, x):
        return self.conv(x)


def build_model():
    return Net()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lower = Block(64)  # todo: no G2
        self.grow = nn.Conv2d(64, 128, 3, padding=1)
        self.upper = Block(128)  # todo: no G2

    def forward(self, x):
        return self.upper(self.grow(self.lower(x)))


example_inputs = torch.empty(1, 64, 32, 32)

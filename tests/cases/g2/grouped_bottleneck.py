"""A bottleneck of grouped 1×1 convolutions breaks two guidelines on the same lines, its wide addition a third."""

import torch
from torch import nn


class Bottleneck(nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        inner = channels // 6
        self.narrow = nn.Conv2d(channels, inner, 1, groups=groups)  # expect: G1, G2
        self.middle = nn.Conv2d(inner, inner, 3, padding=1)
        self.widen = nn.Conv2d(inner, channels, 1, groups=groups)  # expect: G1, G2

    def forward(self, x):
        return x + self.widen(self.middle(self.narrow(x)))  # expect: G4


class Net(nn.Module):
    def __init__(self, depth=3):
        super().__init__()
        self.blocks = nn.ModuleList()
        for _ in range(depth):
            self.blocks.append(Bottleneck(360, 5))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


def build_model():
    return Net()


example_inputs = torch.empty(1, 360, 28, 28)

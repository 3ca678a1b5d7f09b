"""1×1 convolutions with a residual addition and an activation after each, on a large map."""

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        x = x + self.conv(x)  # expect: G4
        return torch.relu(x)  # expect: G4


model = nn.Sequential(*[Block(64) for _ in range(4)])

example_inputs = torch.empty(1, 64, 56, 56)

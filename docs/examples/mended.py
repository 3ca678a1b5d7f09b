"""The network of bottleneck.py after two findings were followed: wider in the middle, no groups, one block."""

import torch
from torch import nn


class Bottleneck(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(channels, channels // 4, 1)
        self.middle = nn.Conv2d(channels // 4, channels // 4, 3, padding=1)
        self.widen = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x):
        return torch.relu(x + self.widen(self.middle(self.narrow(x))))


def build_model(channels: int = 256):
    return nn.Sequential(Bottleneck(channels))


example_inputs = torch.empty(1, 256, 28, 28)

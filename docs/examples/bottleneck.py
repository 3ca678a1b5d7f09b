"""A small network with two habits that cost more than their FLOPs tell."""

import torch
from torch import nn


class Bottleneck(nn.Module):
    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(channels, channels // 8, 1)
        self.middle = nn.Conv2d(channels // 8, channels // 8, 3, padding=1, groups=groups)
        self.widen = nn.Conv2d(channels // 8, channels, 1)

    def forward(self, x):
        return torch.relu(x + self.widen(self.middle(self.narrow(x))))


def build_model(channels: int = 256, groups: int = 8):
    return nn.Sequential(*(Bottleneck(channels, groups) for _ in range(2)))


example_inputs = torch.empty(1, 256, 28, 28)

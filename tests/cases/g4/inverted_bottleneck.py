"""Inverted bottlenecks: activations and depthwise convolutions work on the widest map, and widths are far apart."""

import torch
from torch import nn


class InvertedBottleneck(nn.Module):
    def __init__(self, channels, expansion):
        super().__init__()
        hidden = channels * expansion
        self.body = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False),  # expect: G1
            nn.BatchNorm2d(hidden),
            nn.ReLU6(inplace=True),  # expect: G4
            nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden, bias=False),  # expect: G4
            nn.BatchNorm2d(hidden),
            nn.ReLU6(inplace=True),  # expect: G4
            nn.Conv2d(hidden, channels, 1, bias=False),  # expect: G1
            nn.BatchNorm2d(channels),
        )

    def forward(self, x):
        return x + self.body(x)  # expect: G4


def build_model():
    return nn.Sequential(*(InvertedBottleneck(32, 6) for _ in range(3)))


example_inputs = torch.empty(1, 32, 28, 28)

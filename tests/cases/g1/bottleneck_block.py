"""A residual bottleneck: both 1×1 convolutions have four channels on one side for one on the other."""

import torch
from torch import nn


class Bottleneck(nn.Module):
    def __init__(self, channels, inner):
        super().__init__()
        self.reduce = nn.Sequential(
            nn.Conv2d(channels, inner, 1, bias=False),  # expect: G1
            nn.BatchNorm2d(inner),
        )
        self.middle = nn.Conv2d(inner, inner, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(inner)
        self.expand = nn.Conv2d(inner, channels, 1, bias=False)  # expect: G1
        self.last_norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.relu(self.reduce(x))
        y = self.relu(self.norm(self.middle(y)))
        return self.relu(x + self.last_norm(self.expand(y)))


def build_model():
    return nn.Sequential(*[Bottleneck(1024, 256) for _ in range(3)])


example_inputs = torch.empty(1, 1024, 14, 14)

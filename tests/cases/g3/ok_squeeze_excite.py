"""Squeeze-and-excite looks like a side path; its convolutions wait for one another all the same."""

import torch
from torch import nn


class SqueezeExcite(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.down = nn.Conv2d(channels, channels // 8, 1)
        self.up = nn.Conv2d(channels // 8, channels, 1)

    def forward(self, x):
        scale = torch.relu(self.down(self.pool(x)))
        return x * torch.sigmoid(self.up(scale))


def build_model():
    layers = [nn.Conv2d(3, 128, 3, stride=4, padding=1)]
    for _ in range(3):
        layers += [nn.Conv2d(128, 128, 3, padding=1), SqueezeExcite(128)]
    return nn.Sequential(*layers)


example_inputs = torch.empty(1, 3, 64, 64)

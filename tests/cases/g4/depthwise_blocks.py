"""Depthwise and pointwise in turn: no compiler can merge the depthwise ones, so they remain when all else is mended."""

import torch
from torch import nn


class ConvNorm(nn.Module):
    def __init__(self, c_in, c_out, kernel, groups=1):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, x):
        return self.norm(self.conv(x))


class Separable(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.depthwise = ConvNorm(channels, channels, 3, groups=channels)  # expect: G4
        self.pointwise = ConvNorm(channels, channels, 1)
        self.relu = nn.ReLU(inplace=True)  # expect: G4

    def forward(self, x):
        x = self.relu(self.depthwise(x))
        return self.relu(self.pointwise(x))


def build_model():
    return nn.Sequential(*(Separable(128) for _ in range(4)))


example_inputs = torch.empty(1, 128, 56, 56)

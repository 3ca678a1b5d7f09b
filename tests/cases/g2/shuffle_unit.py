"""Grouped 1×1 convolutions around a depthwise one, with a channel shuffle: the grouped ones are meant."""

import torch
from torch import nn


def shuffle(x, groups):
    batch, channels, height, width = x.shape
    x = x.view(batch, groups, channels // groups, height, width)
    return x.transpose(1, 2).reshape(batch, channels, height, width)


class Unit(nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        self.groups = groups
        self.enter = nn.Conv2d(channels, channels, 1, groups=groups, bias=False)  # expect: G2
        self.enter_norm = nn.BatchNorm2d(channels)
        self.spatial = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.spatial_norm = nn.BatchNorm2d(channels)
        self.leave = nn.Conv2d(channels, channels, 1, groups=groups, bias=False)  # expect: G2

    def forward(self, x):
        x = shuffle(self.enter_norm(self.enter(x)), self.groups)
        return self.leave(self.spatial_norm(self.spatial(x)))


def build_model():
    return nn.Sequential(Unit(240, 4), Unit(240, 4))


example_inputs = torch.empty(1, 240, 28, 28)

"""Residual blocks, one with a projection: a shortcut is no fragment, a projection is one beside many."""

import torch
from torch import nn


class Residual(nn.Module):
    def __init__(self, c_in, c_out, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.shortcut = nn.Conv2d(c_in, c_out, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.shortcut(x) + self.bn2(self.conv2(y)))


def build_model():
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, stride=2, padding=1),
        Residual(64, 64),
        Residual(64, 128, 2),
        Residual(128, 128),
        Residual(128, 256, 2),
        Residual(256, 256),
    )


example_inputs = torch.empty(1, 3, 64, 64)

"""Squeeze-and-excite on a wide, cheap body: the scaling reads and writes the whole map."""

import torch
from torch import nn


class Excited(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.mix = nn.Conv2d(channels, channels, 1)
        self.act = nn.SiLU()  # expect: G4
        self.squeeze = nn.AdaptiveAvgPool2d(1)
        self.gate = nn.Sequential(nn.Conv2d(channels, channels, 1), nn.Sigmoid())

    def forward(self, x):
        y = self.act(self.mix(x))
        y = y * self.gate(self.squeeze(y))  # expect: G4
        return x + y  # expect: G4


def build_model():
    return nn.Sequential(*(Excited(48) for _ in range(3)))


example_inputs = torch.empty(1, 48, 56, 56)

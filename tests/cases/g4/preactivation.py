"""Pre-activation: a norm stands before each convolution and cannot be folded; its activation can follow it."""

import torch
from torch import nn


class PreActivation(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.conv = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        y = torch.nn.functional.leaky_relu(self.norm(x))  # expect: G4
        return x + 0.5 * self.conv(y)  # expect: G4


def build_model():
    return nn.Sequential(*(PreActivation(64) for _ in range(4)))


example_inputs = torch.empty(1, 64, 56, 56)

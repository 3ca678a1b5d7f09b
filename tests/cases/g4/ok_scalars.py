"""Arithmetic on a handful of scalars, beside one convolution: not worth a word."""

import torch
from torch import nn


class Calibrated(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 32, 3)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x, temperature):
        y = self.conv(x)
        factor = torch.exp(self.scale) / (1 + temperature.abs())
        return y.mean((2, 3)) * factor


example_inputs = (torch.empty(1, 3, 32, 32), torch.empty(()))

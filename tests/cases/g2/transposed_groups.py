"""A grouped transposed convolution upsamples; the ungrouped one before it is no finding."""

import torch
from torch import nn


class Upsampler(nn.Module):
    def __init__(self, channels=64):
        super().__init__()
        self.first = nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1)
        self.second = nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1, groups=16)  # expect: G2
        self.image = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, x):
        return self.image(self.second(self.first(x)))


example_inputs = torch.empty(1, 64, 16, 16)

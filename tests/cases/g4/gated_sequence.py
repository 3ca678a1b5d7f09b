"""A gated one-dimensional network: two activations and a product after each convolution, and a sum."""

import torch
from torch import nn


class Gated(nn.Module):
    def __init__(self, channels, dilation):
        super().__init__()
        self.conv = nn.Conv1d(channels, 2 * channels, 3, padding=dilation, dilation=dilation)

    def forward(self, x):
        content, gate = self.conv(x).chunk(2, dim=1)
        gate = torch.sigmoid(gate)  # expect: G4
        y = torch.tanh(content) * gate  # expect: G4
        return x + y  # expect: G4


class Wave(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter = nn.Conv1d(1, 32, 3, padding=1)
        self.layers = nn.Sequential(*(Gated(32, 2**i) for i in range(6)))

    def forward(self, x):
        return self.layers(self.enter(x))


def build_model():
    return Wave()


example_inputs = torch.empty(1, 1, 8000)

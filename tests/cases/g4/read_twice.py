"""The activation's operand is read again by the addition, so that it cannot stay in the convolution's kernel."""

import torch
import torch.nn.functional as F
from torch import nn


class Step(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, channels, 1, 1))

    def forward(self, x):
        y = F.conv2d(x, self.weight)
        z = F.conv2d(F.relu(y), self.weight)  # expect: G4
        return y + z  # expect: G4


def build_model():
    return nn.Sequential(*(Step(32) for _ in range(3)))


example_inputs = torch.empty(1, 32, 64, 64)

"""No convolution and no product at all: everything is element-wise."""

import torch
from torch import nn


class Oscillator(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))

    def forward(self, state, force):
        pushed = state + self.gain * force  # expect: G4
        return torch.sin(pushed) + state  # expect: G4


example_inputs = {"state": torch.empty(64, 4096), "force": torch.empty(64, 4096)}

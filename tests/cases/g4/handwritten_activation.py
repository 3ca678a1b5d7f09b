"""An activation written out as arithmetic by a helper function: the line of forward that calls it is meant."""

import torch
import torch.nn.functional as F
from torch import nn


def hard_swish(x):
    gate = F.relu6(x + 3) / 6
    return x * gate


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv3d(16, 16, 3, padding=1) for _ in range(3))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
            x = hard_swish(x)  # expect: G4
        return x


example_inputs = torch.empty(1, 16, 8, 32, 32)

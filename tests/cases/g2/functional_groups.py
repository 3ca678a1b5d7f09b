"""Groups in a call of F.conv2d: that call is the line."""

import torch
import torch.nn.functional as F
from torch import nn


class Filter(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter = nn.Conv2d(3, 64, 3, padding=1)
        self.weight = nn.Parameter(torch.empty(64, 8, 5, 5))

    def forward(self, x):
        x = self.enter(x)
        x = F.conv2d(x, self.weight, padding=2, groups=8)  # expect: G2
        return x


example_inputs = torch.empty(2, 3, 48, 48)

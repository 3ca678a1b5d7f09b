"""Weights as plain parameters, used by F.conv2d and F.linear: the call is the only line that there is."""

import torch
import torch.nn.functional as F
from torch import nn


class Squeeze(nn.Module):
    def __init__(self):
        super().__init__()
        self.same = nn.Parameter(torch.empty(96, 96, 1, 1))
        self.thin = nn.Parameter(torch.empty(8, 96, 1, 1))
        self.wide = nn.Parameter(torch.empty(96, 8))
        self.bias = nn.Parameter(torch.zeros(96))

    def forward(self, x):
        x = F.conv2d(x, self.same)
        x = F.conv2d(x, self.thin)  # expect: G1
        x = x.permute(0, 2, 3, 1)
        return F.linear(x, self.wide, self.bias)  # expect: G1


example_inputs = torch.empty(1, 96, 28, 28)

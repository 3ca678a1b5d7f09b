"""A generic container runs its children side by side; a loop makes three of them on one line.

Their sums, which start from 0, are additions of whole maps."""

import torch
from torch import nn


class Parallel(nn.Module):
    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return sum(branch(x) for branch in self.branches)  # expect: G4


class Trunk(nn.Module):
    def __init__(self, channels=64):
        super().__init__()
        blocks = []
        for _ in range(3):
            branches = [nn.Conv2d(channels, channels, kernel, padding=kernel // 2) for kernel in (1, 3, 5)]
            blocks.append(Parallel(*branches))  # expect: G3
        self.body = nn.Sequential(*blocks)

    def forward(self, x):
        return self.body(x)


def build_model():
    return Trunk()


example_inputs = torch.empty(1, 64, 28, 28)

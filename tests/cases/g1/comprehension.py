"""Layers made in a generator expression over several lines: the line with the layer is meant."""

import torch
from torch import nn


class Refiner(nn.Module):
    def __init__(self, channels=256, rounds=3):
        super().__init__()
        self.narrow = nn.ModuleList(
            nn.Conv2d(channels, 8, kernel_size=1, stride=1, bias=False, padding_mode="zeros")  # expect: G1
            for _ in range(rounds)
        )
        self.widen = nn.ModuleList(nn.Conv2d(8, channels, 3, padding=1) for _ in range(rounds))

    def forward(self, x):
        for narrow, widen in zip(self.narrow, self.widen, strict=True):
            x = widen(narrow(x))
        return x


example_inputs = torch.empty(1, 256, 32, 32)

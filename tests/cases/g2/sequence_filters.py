"""Grouped one-dimensional convolutions, built in a loop on one line."""

import torch
from torch import nn


class Speech(nn.Module):
    def __init__(self, channels=128, layers=4):
        super().__init__()
        self.enter = nn.Conv1d(40, channels, 5, stride=2)
        self.body = nn.ModuleList()
        for _ in range(layers):
            self.body.append(nn.Conv1d(channels, channels, 9, padding=4, groups=16))  # expect: G2
            self.body.append(nn.Conv1d(channels, channels, 1))

    def forward(self, x):
        x = self.enter(x)
        for layer in self.body:
            x = layer(x)
        return x


example_inputs = torch.empty(4, 40, 400)

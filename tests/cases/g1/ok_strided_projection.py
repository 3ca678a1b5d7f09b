"""A shortcut that halves the map and doubles the channels: equal widths would save nothing there."""

import torch
from torch import nn


class Stage(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.first = nn.Conv2d(c_in, c_out, 3, stride=2, padding=1)
        self.second = nn.Conv2d(c_out, c_out, 3, padding=1)
        self.shortcut = nn.Conv2d(c_in, c_out, 1, stride=2)

    def forward(self, x):
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


model = nn.Sequential(nn.Conv2d(64, 64, 3, padding=1), Stage(64, 128), Stage(128, 256), Stage(256, 512))

example_inputs = (torch.empty(1, 64, 56, 56),)

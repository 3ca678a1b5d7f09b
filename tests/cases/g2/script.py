"""A script without functions: layers are put together at the top of the file."""

import torch
from torch import nn

channels = 96
layers = [nn.Conv2d(3, channels, 3, stride=2, padding=1)]
for groups in (12, 24):
    layers.append(nn.Conv2d(channels, channels, 3, padding=1, groups=groups))  # expect: G2
    layers.append(nn.Conv2d(channels, channels, 1))

model = nn.Sequential(*layers)

example_inputs = torch.empty(1, 3, 64, 64)

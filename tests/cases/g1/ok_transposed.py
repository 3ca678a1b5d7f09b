"""A decoder: transposed convolutions narrow the map while they widen it; they are not 1×1."""

import torch
from torch import nn


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter = nn.Conv2d(256, 256, 1)
        self.first = nn.ConvTranspose2d(256, 64, 2, stride=2)
        self.second = nn.ConvTranspose2d(64, 16, 2, stride=2)
        self.last = nn.ConvTranspose2d(16, 3, 3, padding=1)

    def forward(self, x):
        return self.last(self.second(self.first(self.enter(x))))


example_inputs = torch.empty(1, 256, 16, 16)

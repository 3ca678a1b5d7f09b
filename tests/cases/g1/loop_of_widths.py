"""A loop builds all layers on one line: that line it is, once."""

from itertools import pairwise

import torch
from torch import nn


class Autoencoder(nn.Module):
    def __init__(self, widths=(512, 64, 8, 64, 512)):
        super().__init__()
        layers = []
        for c_in, c_out in pairwise(widths):
            layers.append(nn.Conv1d(c_in, c_out, 1))  # expect: G1
        self.layers = nn.ModuleList(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


example_inputs = torch.empty(2, 512, 400)

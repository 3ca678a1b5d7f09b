"""The model's own forward has the branches, so there is no smaller module: the branches' line in forward is meant."""

import torch
import torch.nn.functional as F
from torch import nn


class Pyramid(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = nn.ParameterList(nn.Parameter(torch.empty(32, 32, k, k)) for k in (1, 3, 5, 7))

    def forward(self, x):
        maps = [F.conv2d(x, w, padding="same") for w in self.weights]  # expect: G3
        return torch.cat(maps, dim=1)


def build_model():
    return Pyramid()


example_inputs = torch.empty(1, 32, 32, 32)

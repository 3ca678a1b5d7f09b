# outcome: 2
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        self.conv = torch.jit.script(Unscriptable())

    def forward(self, x):
        return self.conv(x)


class Unscriptable(nn.Module):
    def forward(self, x):
        return {**{'a': x}}

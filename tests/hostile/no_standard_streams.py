# outcome: 0
import sys
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        sys.stdin = sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = None

    def forward(self, x):
        return self.conv(x)

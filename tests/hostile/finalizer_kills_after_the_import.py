# outcome: 2 ended its process with status 9
import os


class Last:
    def __del__(self):
        os._exit(9)


Last()

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return self.conv(x)

# outcome: 2 raised KeyError
import builtins
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        builtins.Exception = builtins.ValueError = KeyError
        raise ValueError('a key error')

    def forward(self, x):
        return self.conv(x)

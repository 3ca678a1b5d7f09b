# outcome: 0
import atexit
import os
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        atexit.register(os._exit, 7)

    def forward(self, x):
        return self.conv(x)

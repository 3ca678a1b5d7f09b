# outcome: 2 ended its process with status 3
import os
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        os._exit(3)

    def forward(self, x):
        return self.conv(x)

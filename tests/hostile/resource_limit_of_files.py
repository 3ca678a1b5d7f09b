# outcome: 2 raised OSError
import os
import resource
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
        open(os.devnull)

    def forward(self, x):
        return self.conv(x)

# outcome: 2 ended its process with status 1
import os
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        os.closerange(0, 4096)

    def forward(self, x):
        return self.conv(x)

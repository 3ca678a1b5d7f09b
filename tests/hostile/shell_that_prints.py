# outcome: 0
import os
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        os.system("echo said by a shell; echo and so >&2")
        return self.conv(x)

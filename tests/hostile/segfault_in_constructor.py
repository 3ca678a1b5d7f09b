# outcome: 2 was killed (SIGSEGV)
import ctypes
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        ctypes.string_at(0)

    def forward(self, x):
        return self.conv(x)

# outcome: 2 was killed (SIGSEGV)
import ctypes
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return ctypes.string_at(x.data_ptr())

# outcome: 0
import ctypes
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        ctypes.CDLL(None).puts(b'said by C')
        return self.conv(x)

# outcome: 2 of memory, more than
import mmap
import os
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        view = mmap.mmap(-1, 2**31)
        for place in range(0, 2**31, 4096):
            view[place] = 1
        os.wait()

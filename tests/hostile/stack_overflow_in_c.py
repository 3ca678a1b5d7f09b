# outcome: 2 was killed (SIGSEGV)
import sys
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        nested = []
        for _ in range(10_000_000):
            nested = [nested]
        sys.setrecursionlimit(2**31 - 1)
        return repr(nested)

# outcome: 2
import inspect
import linecache
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        inspect.getsource(Net)
        linecache.clearcache()
        linecache.getlines = None

    def forward(self, x):
        return self.conv(x)

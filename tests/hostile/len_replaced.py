# outcome: 2
import builtins
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        builtins.len = lambda _: 'no number'
        return self.conv(x)

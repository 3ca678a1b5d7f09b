# outcome: 2
import builtins
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        builtins.open = None

    def forward(self, x):
        return self.conv(x)

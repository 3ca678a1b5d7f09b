# outcome: 2 ended its process with status 1
import builtins
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        builtins.isinstance = lambda *_: 1 / 0
        nn.Linear(2, 2)

    def forward(self, x):
        return self.conv(x)

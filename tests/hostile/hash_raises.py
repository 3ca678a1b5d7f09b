# outcome: 2
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return self.conv(x)

    def __hash__(self):
        raise RuntimeError('no hash')

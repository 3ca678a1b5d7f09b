# outcome: 0
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        while x.abs().sum() > 1e-3:
            x = x / 2
        return self.conv(x)

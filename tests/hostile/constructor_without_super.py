# outcome: 2 raised AttributeError
from torch import nn


class Net(nn.Module):
    def __init__(self):
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return self.conv(x)

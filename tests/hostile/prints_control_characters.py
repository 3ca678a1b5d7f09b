# outcome: 0
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        print('\x1b[2J\x1b]0;title\x07\r::error::no')
        return self.conv(x)

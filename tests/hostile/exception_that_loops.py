# outcome: 2 raised ValueError
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        error = ValueError('a circle')
        error.__cause__ = error.__context__ = error
        raise error

# outcome: 2 raised AttributeError
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        nn.Conv2d.forward = lambda self, x: 'text'

    def forward(self, x):
        return self.conv(x).shape

# outcome: 2 raised AttributeError
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        del nn.Module.__getattr__

    def forward(self, x):
        return self.conv(x)

# outcome: 0
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        self.__dict__['forward'] = self.conv.forward

    def forward(self, x):
        return self.conv(x)

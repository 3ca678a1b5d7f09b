# outcome: 0
import types

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return self.conv(x)


Net.forward = types.FunctionType(Net.forward.__code__.replace(co_firstlineno=10**6), globals())

# outcome: 0
from torch import nn


class Meta(type):
    def __instancecheck__(cls, thing):
        raise RuntimeError('do not ask')


class Net(nn.Module, metaclass=Meta):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return self.conv(x)

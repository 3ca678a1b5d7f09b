# outcome: 2
from torch import nn


class Meta(type):
    @property
    def __name__(cls):
        raise RuntimeError('no name')


class Net(nn.Module, metaclass=Meta):
    def forward(self, x):
        return x * 2

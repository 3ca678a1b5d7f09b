# outcome: 2 raised RuntimeError
from torch import nn


class Meta(type):
    def __call__(cls, *arguments):
        raise RuntimeError('not to be made')


class Net(nn.Module, metaclass=Meta):
    pass

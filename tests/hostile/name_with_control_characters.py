# outcome: 0
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        self.__dict__['_modules']['\x1b[31m\r\n::error::\u202e'] = nn.ReLU()

    def forward(self, x):
        for module in self._modules.values():
            x = module(x)
        return x

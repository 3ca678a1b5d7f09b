# outcome: 2 raised RuntimeError
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        def refuse(*_):
            raise RuntimeError('no attributes')

        nn.Module.__setattr__ = refuse
        self.x = 1

    def forward(self, x):
        return self.conv(x)

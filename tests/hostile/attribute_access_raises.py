# outcome: 2 raised RuntimeError
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return self.conv(x)

    def __getattribute__(self, name):
        if name == 'conv':
            raise RuntimeError('hidden')
        return super().__getattribute__(name)

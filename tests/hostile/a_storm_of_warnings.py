# outcome: 0
import warnings
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        warnings.simplefilter('always')
        for number in range(500):
            warnings.warn(f'warning {number}')

    def forward(self, x):
        return self.conv(x)

# outcome: 2 raised ExceptionGroup
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        raise ExceptionGroup('many', [ValueError(str(n)) for n in range(1000)])

# outcome: 2 calls deeper
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        nested = self.conv(x)
        for _ in range(100_000):
            nested = [nested]
        return nested

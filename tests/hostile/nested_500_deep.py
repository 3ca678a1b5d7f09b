# outcome: 2 calls deeper
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        for _ in range(500):
            self.conv = nn.Sequential(self.conv)

    def forward(self, x):
        return self.conv(x)

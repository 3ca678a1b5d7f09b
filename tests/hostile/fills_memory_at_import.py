# outcome: 2 of memory, more than
kept = []
while True:
    kept.append(b'x' * 2**24)

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return self.conv(x)

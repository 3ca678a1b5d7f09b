# outcome: 2 of memory, more than
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        kept = []
        while True:
            kept.append(bytearray(2**24))

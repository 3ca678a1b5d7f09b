# outcome: 0
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        self.many = nn.ModuleList(nn.ReLU() for _ in range(1000))

    def forward(self, x):
        for layer in self.many:
            x = layer(x)
        return self.conv(x)

# outcome: 2
from torch import nn


class Net(nn.Module):
    def __init__(self):
        pass

    def forward(self, x):
        return x

# outcome: 2
from torch import nn


class Net(nn.Module):
    def forward(self):
        return 1

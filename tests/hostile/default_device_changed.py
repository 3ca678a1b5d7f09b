# outcome: 2 raised AssertionError
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        torch.set_default_device('cuda')
        self.more = nn.Linear(8, 8)

    def forward(self, x):
        return self.conv(x)

# outcome: 0
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        self.register_buffer('nothing', torch.empty(0, 3))

    def forward(self, x):
        return self.conv(x)

# outcome: 2 raised RuntimeError
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        self.table = torch.empty(1).expand(2**50).contiguous()

    def forward(self, x):
        return self.conv(x)

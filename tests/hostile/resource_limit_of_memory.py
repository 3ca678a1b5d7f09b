# outcome: 2 raised RuntimeError
import resource

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        resource.setrlimit(resource.RLIMIT_AS, (2**20, 2**20))
        return self.conv(torch.cat([x] * 1000)) + bytearray(2**30)

# outcome: 2 of memory, more than
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        kept = []
        while True:
            kept.append(torch.full((2**22,), 1.0, device='cpu').clone())

    def forward(self, x):
        return self.conv(x)

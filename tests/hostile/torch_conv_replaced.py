# outcome: 2 raised TypeError
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        torch.nn.functional.conv2d = torch.conv2d = None
        nn.Conv2d._conv_forward = None

    def forward(self, x):
        return self.conv(x)

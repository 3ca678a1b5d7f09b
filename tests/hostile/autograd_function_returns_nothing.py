# outcome: 2 raised TypeError
import torch


class Nothing(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return None

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return Nothing.apply(self.conv(x)) + 1

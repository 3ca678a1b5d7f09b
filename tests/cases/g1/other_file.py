"""The layers come from another file, which only passes widths on."""

import torch
from _blocks import ConvNorm, conv1x1
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = ConvNorm(3, 64, 3)
        self.same = conv1x1(64, 64)
        self.wide = conv1x1(64, 640)  # expect: G1
        self.thin = ConvNorm(640, 64, 1)  # expect: G1
        self.last = conv1x1(64, 64)

    def forward(self, x):
        return self.last(self.thin(self.wide(self.same(self.stem(x)))))


def build_model():
    return Net()


example_inputs = torch.empty(1, 3, 56, 56)

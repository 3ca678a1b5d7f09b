"""A helper module only passes widths on: the line that calls it chose them."""

import torch
from torch import nn


class ConvNorm(nn.Module):
    def __init__(self, c_in, c_out, kernel=1):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, x):
        return self.norm(self.conv(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = ConvNorm(3, 64, 3)
        self.mix = ConvNorm(64, 64)
        self.widen = ConvNorm(64, 512)  # expect: G1
        self.blend = ConvNorm(512, 512)
        self.narrow = ConvNorm(512, 40)  # expect: G1
        self.last = ConvNorm(40, 40)
        self.act = nn.ReLU()

    def forward(self, x):
        x = self.act(self.mix(self.stem(x)))
        return self.last(self.narrow(self.blend(self.widen(x))))


def build_model():
    return Net()


example_inputs = torch.empty(1, 3, 32, 32)

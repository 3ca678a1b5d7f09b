"""A helper passes its groups on: the call that asks for them is meant, the others are not."""

import torch
from torch import nn


class ConvNorm(nn.Sequential):
    def __init__(self, c_in, c_out, kernel=3, stride=1, groups=1):
        super().__init__(
            nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(c_out),
        )


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            ConvNorm(3, 64, stride=2),
            ConvNorm(64, 128),
            ConvNorm(128, 128, groups=32),  # expect: G2
            nn.ReLU(),
            ConvNorm(128, 128, kernel=1),
        )

    def forward(self, x):
        return self.features(x).mean((2, 3))


example_inputs = torch.empty(1, 3, 112, 112)


def build_model():
    return Net()

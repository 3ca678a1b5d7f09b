"""Four branches in each block: the lines that construct the blocks are meant."""

import torch
from torch import nn


class Inception(nn.Module):
    def __init__(self, c_in, width):
        super().__init__()
        self.one = nn.Conv2d(c_in, width, 1)
        self.three = nn.Sequential(nn.Conv2d(c_in, width, 1), nn.Conv2d(width, width, 3, padding=1))
        self.five = nn.Sequential(nn.Conv2d(c_in, width, 1), nn.Conv2d(width, width, 5, padding=2))
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(c_in, width, 1))

    def forward(self, x):
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], dim=1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 128, 3, stride=2, padding=1)
        self.lower = Inception(128, 64)  # expect: G3
        self.down = nn.MaxPool2d(2)
        self.upper = Inception(256, 128)  # expect: G3

    def forward(self, x):
        return self.upper(self.down(self.lower(self.stem(x))))


def build_model():
    return Net()


example_inputs = torch.empty(1, 3, 32, 32)

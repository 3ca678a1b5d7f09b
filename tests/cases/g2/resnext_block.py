"""A ResNeXt block: the 3×3 convolution has 32 groups. The width of the block is chosen so that G1 is content."""

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, groups=groups, bias=False)  # expect: G2
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return torch.relu(x + self.bn3(self.conv3(y)))


def build_model(groups: int = 32):
    return nn.Sequential(*(Block(512, groups) for _ in range(4)))


example_inputs = torch.empty(1, 512, 14, 14)

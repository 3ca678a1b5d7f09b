"""A class attribute of another file's block sets the groups; the line that made the block chose to use it."""

import torch
from _grouped import GroupedBlock, PlainBlock
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 96, 7, stride=4, padding=3)
        self.plain = PlainBlock(96)
        self.grouped = GroupedBlock(192)  # expect: G2
        self.widen = nn.Conv2d(96, 192, 3, padding=1)

    def forward(self, x):
        x = self.plain(self.stem(x))
        return self.grouped(self.widen(x))


def build_model():
    return Net()


example_inputs = torch.empty(1, 3, 224, 224)

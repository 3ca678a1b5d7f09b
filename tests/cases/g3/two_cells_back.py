"""Cells of separable convolutions that read the two cells before them, as a search finds them."""

import torch
from _search import Separable
from torch import nn


class Cell(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.fit_left = nn.Conv2d(channels, channels, 1)
        self.fit_right = nn.Conv2d(channels, channels, 1)
        self.left = nn.ModuleList(Separable(channels, kernel) for kernel in (3, 5))
        self.right = nn.ModuleList(Separable(channels, kernel) for kernel in (3, 5))
        self.pool = nn.AvgPool2d(3, 1, 1)
        self.join = nn.Conv2d(channels * 3, channels, 1)

    def forward(self, before, x):
        a, b = self.fit_left(before), self.fit_right(x)
        first = self.left[0](a) + self.left[1](b)
        second = self.right[0](a) + self.right[1](b)
        return x, self.join(torch.cat([first, second, self.pool(b)], dim=1))


class Net(nn.Module):
    def __init__(self, channels=64, cells=4):
        super().__init__()
        self.stem = nn.Conv2d(3, channels, 3, stride=4, padding=1)
        self.cells = nn.ModuleList()
        for _ in range(cells):
            self.cells.append(Cell(channels))  # expect: G3

    def forward(self, image):
        before = x = self.stem(image)
        for cell in self.cells:
            before, x = cell(before, x)
        return x


def build_model():
    return Net()


example_inputs = torch.empty(1, 3, 64, 64)

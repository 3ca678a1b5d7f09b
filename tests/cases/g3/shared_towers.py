"""The same tower on two images, one after the other: forward calls it twice, where one batch would do."""

import torch
from torch import nn


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        # The tower itself is named, which is a chain: there is nothing to edit in it.
        self.tower = nn.Sequential(  # todo: no G3
            nn.Conv2d(3, 32, 3, stride=2, padding=1),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.Conv2d(64, 128, 3, stride=2, padding=1),
        )

    def forward(self, left, right):
        left, right = self.tower(left), self.tower(right)  # todo: G3
        return (left - right).square().mean((1, 2, 3))


def build_model():
    return Siamese()


example_inputs = (torch.empty(1, 3, 64, 64), torch.empty(1, 3, 64, 64))

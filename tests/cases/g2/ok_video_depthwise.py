"""Channel-separated video convolution: the 3×3×3 ones are depthwise, 1×1×1 ones mix, and the stem is plain."""

import torch
from torch import nn


class Separated(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.spatial = nn.Conv3d(channels, channels, 3, padding=1, groups=channels)
        self.mix = nn.Conv3d(channels, channels, 1)

    def forward(self, x):
        return self.mix(self.spatial(x))


def build_model():
    layers = [nn.Conv3d(3, 48, (3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3)), nn.Conv3d(48, 48, 3, padding=1)]
    return nn.Sequential(*layers, Separated(48), nn.Conv3d(48, 48, 3, padding=1))


example_inputs = torch.empty(1, 3, 4, 56, 56)

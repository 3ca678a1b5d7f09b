"""Channel-separated video convolution, half way: 3×3×3 with eight groups beside a truly depthwise one."""

import torch
from torch import nn


def build_model():
    return nn.Sequential(
        nn.Conv3d(3, 64, (1, 3, 3), padding=(0, 1, 1)),
        nn.Conv3d(64, 64, 3, padding=1, groups=8),  # expect: G2
        nn.Conv3d(64, 64, 1),
        nn.Conv3d(64, 64, 3, padding=1, groups=64),
        nn.Conv3d(64, 64, 1),
    )


example_inputs = torch.empty(1, 3, 4, 32, 32)

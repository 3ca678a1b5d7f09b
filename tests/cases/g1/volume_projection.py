"""1×1×1 convolutions on a volume, in an nn.Sequential."""

import torch
from torch import nn

model = nn.Sequential(
    nn.Conv3d(1, 32, 3, padding=1),
    nn.Conv3d(32, 32, 1),
    nn.Conv3d(32, 256, 1),  # expect: G1
    nn.Conv3d(256, 256, 3, stride=2, padding=1),
)

example_inputs = torch.empty(1, 1, 16, 32, 32)

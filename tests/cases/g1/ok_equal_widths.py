"""Equal widths wherever a convolution is 1×1; the 3×3 ones may widen."""

import torch
from torch import nn


def build_model():
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, stride=2, padding=1),
        nn.Conv2d(64, 64, 1),
        nn.ReLU(),
        nn.Conv2d(64, 256, 3, stride=2, padding=1),
        nn.Conv2d(256, 256, 1),
        nn.ReLU(),
    )


example_inputs = torch.empty(1, 3, 64, 64)

"""Depthwise convolution, with a channel multiplier too, is no matter of G2."""

import torch
from torch import nn


def build_model():
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1),
        nn.Conv2d(64, 128, 3, padding=1, groups=64),
        nn.Conv2d(128, 128, 1),
        nn.Conv2d(128, 128, 3, padding=1),
    )


example_inputs = torch.empty(1, 3, 32, 32)

"""A helper function called by build_model: the call chose the widths, as where a constructor calls it."""

import torch
from torch import nn


def conv_norm(c_in, c_out):
    # For good and bad widths alike: the call that chose them is meant.
    return nn.Sequential(nn.Conv2d(c_in, c_out, 1, bias=False), nn.BatchNorm2d(c_out))


def build_model():
    return nn.Sequential(
        conv_norm(64, 64),
        conv_norm(64, 512),  # expect: G1
        nn.Conv2d(512, 512, 3, padding=1),
        conv_norm(512, 512),
    )


example_inputs = torch.empty(1, 64, 56, 56)

"""A helper function called by build_model: the call chose the widths, as where a constructor calls it."""

import torch
from torch import nn


def conv_norm(c_in, c_out):
    # Where no module's method calls, the innermost line is named: this one, for good and bad widths alike.
    return nn.Sequential(nn.Conv2d(c_in, c_out, 1, bias=False), nn.BatchNorm2d(c_out))  # todo: no G1


def build_model():
    return nn.Sequential(
        conv_norm(64, 64),
        conv_norm(64, 512),  # todo: G1
        nn.Conv2d(512, 512, 3, padding=1),
        conv_norm(512, 512),
    )


example_inputs = torch.empty(1, 64, 56, 56)

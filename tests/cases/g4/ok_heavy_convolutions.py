"""Plain 3×3 convolutions of many channels on a small map: the weights are what is moved."""

import torch
from torch import nn


def build_model():
    layers = [nn.Conv2d(64, 512, 3, padding=1), nn.ReLU()]
    for _ in range(3):
        layers += [nn.Conv2d(512, 512, 3, padding=1), nn.BatchNorm2d(512), nn.ReLU()]
    return nn.Sequential(*layers)


example_inputs = torch.empty(1, 64, 14, 14)

"""A grouped convolution written as eight small ones: the same multiply-adds, eight launches."""

import torch
from torch import nn


class Split(nn.Module):
    def __init__(self, channels, parts):
        super().__init__()
        self.parts = nn.ModuleList(nn.Conv2d(channels // parts, channels // parts, 3, padding=1) for _ in range(parts))

    def forward(self, x):
        pieces = x.chunk(len(self.parts), dim=1)
        return torch.cat([conv(piece) for conv, piece in zip(self.parts, pieces, strict=True)], dim=1)


def build_model():
    return nn.Sequential(
        nn.Conv2d(3, 128, 3, stride=2, padding=1),
        Split(128, 8),  # expect: G3
        nn.Conv2d(128, 128, 3, padding=1),
    )


example_inputs = torch.empty(1, 3, 64, 64)

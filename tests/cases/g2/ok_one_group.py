"""A network that could have groups and has none, on two inputs."""

import torch
from torch import nn


class Fusion(nn.Module):
    def __init__(self, groups=1):
        super().__init__()
        self.image = nn.Conv2d(3, 32, 3, padding=1, groups=groups)
        self.depth = nn.Conv2d(1, 32, 3, padding=1, groups=groups)
        self.body = nn.Sequential(*(nn.Conv2d(64, 64, 3, padding=1, groups=groups) for _ in range(4)))

    def forward(self, image, depth):
        return self.body(torch.cat([self.image(image), self.depth(depth)], dim=1))


example_inputs = {"image": torch.empty(1, 3, 32, 32), "depth": torch.empty(1, 1, 32, 32)}

"""A deep image path and a short one for numbers, joined at the end."""

import torch
from torch import nn


class Joined(nn.Module):
    def __init__(self):
        super().__init__()
        self.image = nn.Sequential(
            nn.Conv2d(3, 64, 3, stride=2, padding=1),
            nn.Conv2d(64, 64, 3, stride=2, padding=1),
            nn.Conv2d(64, 128, 3, stride=2, padding=1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.numbers = nn.Linear(20, 128)
        self.head = nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 1))

    def forward(self, image, numbers):
        return self.head(torch.cat([self.image(image), self.numbers(numbers)], dim=1))


example_inputs = {"numbers": torch.empty(1, 20), "image": torch.empty(1, 3, 64, 64)}

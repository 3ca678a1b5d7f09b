"""One head runs on two feature maps: its projection is one line, and one finding."""

import torch
from torch import nn


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), nn.Conv2d(64, 128, 3, padding=1))
        self.smooth = nn.Conv2d(128, 128, 3, padding=1)
        self.down = nn.Conv2d(128, 128, 3, stride=2, padding=1)
        self.mix = nn.Conv2d(128, 128, 1)
        self.narrow = nn.Conv2d(128, 16, 1)  # expect: G1
        self.scores = nn.Conv2d(16, 9, 3, padding=1)

    def forward(self, image):
        fine = self.smooth(self.body(image))
        coarse = self.down(fine)
        return [self.scores(self.narrow(self.mix(level))) for level in (fine, coarse)]


example_inputs = torch.empty(1, 3, 64, 64)

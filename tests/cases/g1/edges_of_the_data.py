"""Three colours in and five classes out are given, whatever follows them; the hidden width between is a choice."""

import torch
import torch.nn.functional as F
from torch import nn


class Segmenter(nn.Module):
    def __init__(self):
        super().__init__()
        self.colours = nn.Conv2d(3, 64, 1)
        self.mix = nn.Conv2d(64, 64, 3, padding=1)
        self.widen = nn.Conv2d(64, 512, 1)  # expect: G1
        self.classes = nn.Conv2d(512, 5, 1)

    def forward(self, image):
        x = torch.relu(self.mix(torch.relu(self.colours((image - 0.5) / 0.25))))
        scores = torch.relu(self.classes(self.widen(x)))
        return F.interpolate(scores, scale_factor=2.0).softmax(1)


example_inputs = torch.empty(1, 3, 48, 48)

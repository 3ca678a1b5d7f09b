"""A classifier on a single vector: its weights are its memory access, whatever the widths."""

import torch
from torch import nn


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 32, 5, stride=4),
            nn.ReLU(),
            nn.Conv2d(32, 256, 3, stride=2),
            nn.ReLU(),
        )
        self.hidden = nn.Linear(256, 2048)
        self.head = nn.Linear(2048, 10)

    def forward(self, x):
        x = self.body(x).mean(dim=(2, 3))
        return self.head(torch.relu(self.hidden(x)))


example_inputs = torch.empty(1, 3, 64, 64)

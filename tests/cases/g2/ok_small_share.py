"""One grouped convolution on a small map at the end of a plain network: too little to matter."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 64, 7, stride=2, padding=3),
            nn.Conv2d(64, 128, 3, stride=2, padding=1),
            nn.Conv2d(128, 256, 3, stride=2, padding=1),
            nn.Conv2d(256, 512, 3, stride=4, padding=1),
        )
        self.local = nn.Conv2d(512, 512, 3, padding=1, groups=4)
        self.head = nn.Linear(512, 1000)

    def forward(self, x):
        return self.head(self.local(self.body(x)).mean((2, 3)))


example_inputs = torch.empty(1, 3, 224, 224)

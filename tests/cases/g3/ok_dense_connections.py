"""Every layer reads all that came before: many edges, one chain."""

import torch
from torch import nn


class Dense(nn.Module):
    def __init__(self, channels=64, growth=32, layers=5):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(channels + i * growth, growth, 3, padding=1) for i in range(layers))

    def forward(self, x):
        features = [x]
        for layer in self.layers:
            features.append(layer(torch.cat(features, dim=1)))
        return torch.cat(features, dim=1)


example_inputs = torch.empty(1, 64, 32, 32)

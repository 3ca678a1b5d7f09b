"""Nothing but linear layers."""

import torch
from torch import nn

model = nn.Sequential(nn.Flatten(), nn.Linear(784, 800), nn.ReLU(), nn.Linear(800, 800), nn.ReLU(), nn.Linear(800, 10))

example_inputs = torch.empty(32, 1, 28, 28)

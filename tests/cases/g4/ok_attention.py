"""Self-attention with a norm and a residual addition around it."""

import torch
from torch import nn


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(384)
        self.attention = nn.MultiheadAttention(384, 6, batch_first=True)
        self.mix = nn.Linear(384, 384)

    def forward(self, x):
        y = self.norm(x)
        y, _ = self.attention(y, y, y)
        return x + torch.relu(self.mix(y))


example_inputs = torch.empty(1, 64, 384)

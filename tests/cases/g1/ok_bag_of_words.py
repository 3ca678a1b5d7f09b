"""Embeddings are looked up and averaged; the one linear layer keeps the width."""

import torch
import torch.nn.functional as F
from torch import nn


class Encoder(nn.Module):
    def __init__(self, words=10000, width=200):
        super().__init__()
        self.table = nn.Parameter(torch.empty(words, width))
        self.mix = nn.Linear(width, width)

    def forward(self, ids):
        return self.mix(F.embedding(ids, self.table).mean(dim=1))


example_inputs = {"ids": torch.zeros(32, 40, dtype=torch.int64)}

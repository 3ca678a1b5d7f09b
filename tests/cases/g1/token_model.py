"""Integer inputs by keyword; a narrow embedding is widened to the width of the model."""

import torch
from torch import nn


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(30000, 64)
        self.segments = nn.Embedding(2, 64)
        self.widen = nn.Linear(64, 512)  # expect: G1
        self.body = nn.Sequential(nn.Linear(512, 512), nn.Tanh(), nn.Linear(512, 512))

    def forward(self, ids, segments):
        return self.body(self.widen(self.tokens(ids) + self.segments(segments)))


def example_inputs():
    return {
        "segments": torch.zeros(8, 128, dtype=torch.int64),
        "ids": torch.zeros(8, 128, dtype=torch.int64),
    }

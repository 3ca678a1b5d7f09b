"""Several kernel sizes side by side over an embedded text. The file has only a class, so nothing constructs it here."""

import torch
from torch import nn


class TextNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(5000, 128)
        self.windows = nn.ModuleList(nn.Conv1d(128, 100, size) for size in (3, 4, 5))

    def forward(self, ids):
        x = self.embed(ids).transpose(1, 2)
        found = [torch.relu(conv(x)).amax(dim=-1) for conv in self.windows]  # expect: G3
        return torch.cat(found, dim=1)


example_inputs = torch.zeros(16, 200, dtype=torch.int64)

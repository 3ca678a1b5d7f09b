"""Query, key and value as one product: three results of equal width that share one read of the input."""

import torch
import torch.nn.functional as F
from torch import nn


class Attention(nn.Module):
    def __init__(self, width=256, heads=8):
        super().__init__()
        self.heads = heads
        # The rule takes the three results for one of triple width. Three layers of their own pass it, although they
        # access more memory: the packed form is what G3 asks for, and its widths are equal.
        self.qkv = nn.Linear(width, 3 * width)  # todo: no G1
        self.out = nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.out(y.transpose(1, 2).reshape(batch, length, width))


example_inputs = torch.empty(8, 196, 256)

"""A method builds stages from the widths that it is given: its calls chose them."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.even = self._stage(64, 64)
        self.wide = self._stage(64, 768)  # expect: G1
        self.last = self._stage(768, 768)

    def _stage(self, c_in, c_out):
        # All stages share this line; the call that chose the widths is meant.
        project = nn.Conv2d(c_in, c_out, 1)
        return nn.Sequential(project, nn.Conv2d(c_out, c_out, 3, padding=1))

    def forward(self, x):
        return self.last(self.wide(self.even(x)))


example_inputs = torch.empty(1, 64, 32, 32)

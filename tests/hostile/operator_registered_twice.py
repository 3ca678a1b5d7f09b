# outcome: 2 raised RuntimeError
import torch

library = torch.library.Library("hostile", "DEF")
library.define("op(Tensor x) -> Tensor")
library.define("op(Tensor x) -> Tensor")

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return self.conv(x)

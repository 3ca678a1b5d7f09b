# outcome: 0
import torch


@torch.library.custom_op("hostile::lying", mutates_args=())
def lying(x: torch.Tensor) -> torch.Tensor:
    return x.clone()


@lying.register_fake
def _(x):
    return x.new_empty(3)

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return lying(self.conv(x))

# outcome: 2 raised RuntimeError
import torch


@torch.library.custom_op("hostile::shapeless", mutates_args=())
def shapeless(x: torch.Tensor) -> torch.Tensor:
    raise RuntimeError("in the kernel")

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return shapeless(self.conv(x))

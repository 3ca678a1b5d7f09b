# outcome: 0
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        torch.use_deterministic_algorithms(True)
        torch.set_num_threads(3)

    def forward(self, x):
        return self.conv(x)

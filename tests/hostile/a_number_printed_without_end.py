# outcome: 2 took longer than
import sys
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        sys.set_int_max_str_digits(0)
        return str(7 ** (10 ** 9))

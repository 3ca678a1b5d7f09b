"""Building blocks that other_file.py imports."""

from torch import nn


def conv1x1(c_in, c_out):
    return nn.Conv2d(c_in, c_out, 1, bias=False)


class ConvNorm(nn.Sequential):
    def __init__(self, c_in, c_out, kernel):
        super().__init__(
            nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(c_out),
        )

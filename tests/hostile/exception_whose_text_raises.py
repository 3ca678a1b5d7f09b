# outcome: 2
class Mute(Exception):
    def __str__(self):
        raise RuntimeError('no text')

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        raise Mute

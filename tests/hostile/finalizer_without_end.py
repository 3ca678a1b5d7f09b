# outcome: 2 took longer than
class Last:
    def __del__(self):
        while True:
            pass


Last()

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return self.conv(x)

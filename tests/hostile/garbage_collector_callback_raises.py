# outcome: 0
import gc
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        gc.callbacks.append(lambda *_: 1 / 0)
        gc.enable()
        gc.collect()

    def forward(self, x):
        return self.conv(x)

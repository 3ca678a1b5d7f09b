# outcome: 2 raised RuntimeError
import builtins
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        def refuse(*_, **__):
            raise RuntimeError('no imports')

        builtins.__import__ = refuse
        import colorsys

    def forward(self, x):
        return self.conv(x)

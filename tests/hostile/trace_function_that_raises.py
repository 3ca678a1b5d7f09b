# outcome: 2 raised ValueError
import sys
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        def trace(frame, event, argument):
            raise ValueError("traced")

        sys.settrace(trace)
        return self.conv(x)

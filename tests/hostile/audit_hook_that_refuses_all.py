# outcome: 2
import os
import sys
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        def refuse(event, arguments):
            raise RuntimeError(f"no {event}")

        sys.addaudithook(refuse)
        return open(os.devnull)

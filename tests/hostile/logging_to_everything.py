# outcome: 0
import logging
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        logging.basicConfig(level=0, force=True)
        logging.getLogger().critical('loud')

    def forward(self, x):
        return self.conv(x)

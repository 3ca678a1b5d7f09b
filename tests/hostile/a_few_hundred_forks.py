# outcome: 0
import os
import time
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        for _ in range(200):
            if os.fork() == 0:
                time.sleep(10**6)

    def forward(self, x):
        return self.conv(x)

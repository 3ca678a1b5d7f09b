# outcome: 0
import multiprocessing
import time
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        multiprocessing.get_context('fork').Process(target=time.sleep, args=[10**6]).start()

    def forward(self, x):
        return self.conv(x)

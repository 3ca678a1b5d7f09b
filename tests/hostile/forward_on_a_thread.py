# outcome: 2
from concurrent.futures import ThreadPoolExecutor
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(self.conv, x).result()

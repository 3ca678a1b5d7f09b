# outcome: 2 took longer than
import os
import tempfile
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        with tempfile.TemporaryDirectory() as folder:
            os.mkfifo(f"{folder}/fifo")
            open(f"{folder}/fifo")

    def forward(self, x):
        return self.conv(x)

# outcome: 2
import os
import tempfile
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        os.rmdir(folder)

    def forward(self, x):
        return self.conv(x)

# outcome: 2 took longer than
import os
import threading
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        os.closerange(3, 4096)
        threading.Event().wait()

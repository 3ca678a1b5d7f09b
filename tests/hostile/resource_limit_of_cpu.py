# outcome: 2 was killed (SIGKILL)
import resource
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
        while True:
            pass

# outcome: 2 was killed (SIGALRM)
import signal
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        while True:
            pass

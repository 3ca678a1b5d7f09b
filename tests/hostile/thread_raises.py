# outcome: 0
import threading
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        thread = threading.Thread(target=int, args=['none'])
        thread.start()
        thread.join()

    def forward(self, x):
        return self.conv(x)

# outcome: 0
import threading
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        def busy():
            while True:
                pass

        threading.Thread(target=busy, daemon=True).start()

    def forward(self, x):
        return self.conv(x)

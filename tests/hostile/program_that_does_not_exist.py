# outcome: 2 raised FileNotFoundError
import subprocess
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        subprocess.run(["no-such-program"], check=True)

    def forward(self, x):
        return self.conv(x)

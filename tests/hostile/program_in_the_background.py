# outcome: 0
import subprocess
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        subprocess.Popen(["sleep", "100000"], start_new_session=True)

    def forward(self, x):
        return self.conv(x)

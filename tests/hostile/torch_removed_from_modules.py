# outcome: 2 raised SystemError
import sys
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        for name in [name for name in sys.modules if name.startswith('torch')]:
            del sys.modules[name]
        import torch.nn

    def forward(self, x):
        return self.conv(x)

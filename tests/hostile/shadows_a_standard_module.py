# outcome: 0
import sys
import types

sys.modules['json.decoder'] = sys.modules['random'] = types.ModuleType('empty')

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return self.conv(x)

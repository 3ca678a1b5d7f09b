# outcome: 2 raised ModuleNotFoundError
import sys
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        for name in [name for name in sys.modules if name.startswith('mac_audit')]:
            sys.modules[name] = None
        import mac_audit.api

    def forward(self, x):
        return self.conv(x)

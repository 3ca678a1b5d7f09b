# outcome: 0
import os
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        os.environ['HOME'] = os.environ['MAC_AUDIT_HOME'] = os.environ['TMPDIR'] = '/nonesuch'

    def forward(self, x):
        return self.conv(x)

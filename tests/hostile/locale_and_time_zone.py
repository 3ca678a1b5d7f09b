# outcome: 0
import locale
import os
import time
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        os.environ['TZ'] = 'Nowhere/Else'
        time.tzset()
        locale.setlocale(locale.LC_ALL, 'C')

    def forward(self, x):
        return self.conv(x)

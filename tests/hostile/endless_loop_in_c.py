# outcome: 2 took longer than
import re
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        re.match(r'(a+)+$', 'a' * 64 + 'b')

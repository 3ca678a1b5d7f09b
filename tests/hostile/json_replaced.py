# outcome: 2 sent something that is no result
import json
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        json.dumps = lambda *_, **__: 'no json'

    def forward(self, x):
        return self.conv(x)

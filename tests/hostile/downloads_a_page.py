# outcome: 2 the network is closed during an audit
import urllib.request
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        urllib.request.urlopen('http://192.0.2.1/weights.pt')

    def forward(self, x):
        return self.conv(x)

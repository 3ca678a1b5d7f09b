# outcome: 2 the network is closed during an audit
import socket
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        socket.getaddrinfo('example.org', 80)

    def forward(self, x):
        return self.conv(x)

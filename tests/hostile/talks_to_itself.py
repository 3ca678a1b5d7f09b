# outcome: 0
import socket
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        with socket.create_server(('127.0.0.1', 0)) as server, socket.create_connection(server.getsockname()) as client:
            client.sendall(b'x')

    def forward(self, x):
        return self.conv(x)

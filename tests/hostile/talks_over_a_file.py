# outcome: 0
import socket
import tempfile
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
            server.bind(f'{folder}/socket')
            server.listen()
            socket.socket(socket.AF_UNIX).connect(f'{folder}/socket')

    def forward(self, x):
        return self.conv(x)

# outcome: 2 of memory, more than
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        text = self.text
        while True:
            text += text

    text = 'x' * 2**20

    def __repr__(self):
        return ''

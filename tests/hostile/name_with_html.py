# outcome: 0
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        self.add_module('<img src=x onerror=alert(1)>|`*_', nn.ReLU())

    def forward(self, x):
        for module in self.children():
            x = module(x)
        return x

# outcome: 0
from torch import nn


class Net(nn.Module):
    async def forward(self, x):
        return x

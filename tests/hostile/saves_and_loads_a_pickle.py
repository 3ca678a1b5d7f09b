# outcome: 0
import io
import os
import pickle


class Running:
    def __reduce__(self):
        return os.system, ('echo said by a pickle',)

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        buffer = io.BytesIO(pickle.dumps(Running()))
        pickle.load(buffer)

    def forward(self, x):
        return self.conv(x)

# outcome: 2 was killed (SIGBUS)
import mmap
import tempfile
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        with tempfile.TemporaryFile() as file:
            file.truncate(4096)
            view = mmap.mmap(file.fileno(), 4096)
            file.truncate(0)
            return view[0]

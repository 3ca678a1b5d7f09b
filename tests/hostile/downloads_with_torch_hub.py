# outcome: 2 the network is closed during an audit
import tempfile

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        torch.hub.load_state_dict_from_url('https://192.0.2.1/weights.pt', model_dir=tempfile.mkdtemp())

    def forward(self, x):
        return self.conv(x)

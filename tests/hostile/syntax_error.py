# outcome: 2
from torch import nn

class Net(nn.Module:
    pass

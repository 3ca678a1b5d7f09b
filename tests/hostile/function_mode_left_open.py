# outcome: 2
from torch.overrides import TorchFunctionMode
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        class Refusing(TorchFunctionMode):
            def __torch_function__(self, *arguments, **keywords):
                raise RuntimeError("called")

        Refusing().__enter__()
        return self.conv(x)

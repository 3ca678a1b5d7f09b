# outcome: 2 raised RuntimeError
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        import mac_audit.errors

        mac_audit.errors.MacAuditError = None
        raise RuntimeError('for want of a class')

    def forward(self, x):
        return self.conv(x)

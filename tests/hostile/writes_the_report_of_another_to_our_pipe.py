# outcome: 2 said in the name of another
import json
import os
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        from mac_audit.engine import not_audited
        from mac_audit.plain import to_plain
        from mac_audit.request import Request

        report = {**to_plain(not_audited(Request("prints.py"), "prints.py", "")), "error": "said in the name of another"}
        told = json.dumps({"result": {"report": report, "uses": [], "times": []}}) + '\n{"done": true}\n'
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, told.encode())
            except OSError:
                pass
        return self.conv(x)

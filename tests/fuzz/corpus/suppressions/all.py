import torch  # mac-audit: ignore


class Net:  # mac-audit: ignore[G1, unequal-channels] a reason
    @property
    def a(self):
        return [
            f(1),  # mac-audit: ignore[G1]
            f(  # mac-audit: ignore[]
                2,
            ),
        ]  # mac-audit: ignored

    def b(self, x):
        match x:
            case 1:  # mac-audit: ignore: reason
                return """
# mac-audit: ignore[G1]
"""

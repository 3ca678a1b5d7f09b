# outcome: 2
class Net:
    def forward(self, x):
        return x

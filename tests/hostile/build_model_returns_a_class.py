# outcome: 2
from torch import nn


def build_model():
    return nn.Linear

"""A network with two operators of its own, which no tool can look into."""

import torch
from torch import nn


def scanned(x, decay, mix):
    """h_t = decay · h_{t-1} + x_t and y_t = h_t · mix, for x (batch, time, width) and mix (width, width)."""
    h = torch.zeros_like(x[:, 0])
    results = []
    for x_t in x.unbind(1):
        h = decay * h + x_t
        results.append(h @ mix)
    return torch.stack(results, dim=1)


@torch.library.custom_op("mylib::scan", mutates_args=())
def scan(x: torch.Tensor, decay: torch.Tensor, mix: torch.Tensor) -> torch.Tensor:
    return scanned(x, decay, mix)


@scan.register_fake
def _(x, decay, mix):
    return torch.empty_like(x)


@torch.library.custom_op("mylib::gated_norm", mutates_args=(), device_types="cuda")
def gated_norm(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    raise NotImplementedError("a Triton kernel would be launched here")


@gated_norm.register_fake
def _(x, gate):
    return torch.empty_like(x)


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, 2 * width)
        self.decay = nn.Parameter(torch.ones(width))
        self.mix = nn.Parameter(torch.eye(width))

    def forward(self, x):
        x, gate = self.project(x).chunk(2, dim=-1)
        return gated_norm(scan(x, self.decay, self.mix), gate)


def build_model(width: int = 64):
    return nn.Sequential(Block(width), Block(width))


example_inputs = torch.empty(2, 128, 64)

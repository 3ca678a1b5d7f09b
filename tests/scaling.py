"""Models of a given number of operators, one for each way in which a model can be large."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

WIDE = 1_000  # branches of one block


class Residual(nn.Module):
    """A module for each operator: convolution, norm, activation, and an addition around them."""

    def __init__(self, operators: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(8, 8, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU()) for _ in range(operators // 4)
        )

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = x + block(x)
        return x


class Loop(nn.Module):
    """One module that is called over and over, and functions between its calls."""

    def __init__(self, operators: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.rounds = operators // 4

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.rounds):
            x = torch.relu(self.conv(x)) * 0.5 + x
        return x


class Branches(nn.Module):
    """Blocks of a thousand convolutions side by side."""

    def __init__(self, operators: int) -> None:
        super().__init__()
        self.wide = min(WIDE, operators // 2)
        self.blocks = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(8, 8, 1) for _ in range(self.wide)) for _ in range(operators // self.wide)
        )

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = torch.stack([branch(x) for branch in block]).sum(0)
        return x


class Outputs(nn.Module):
    """Every result is a result of the model, and every layer reads its input, which is an image."""

    def __init__(self, operators: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(3, 64, 1, bias=False), nn.BatchNorm2d(64)) for _ in range(operators // 2)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        return [layer(x) for layer in self.layers]


class Views(nn.Module):
    """A chain of views and of a write into the memory behind them, again and again."""

    def __init__(self, operators: int) -> None:
        super().__init__()
        self.rounds = operators // 4

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.rounds):
            x = (x + 1).transpose(2, 3)[:, :].mul_(2)
        return x


class Elementwise(nn.Module):
    """Activations of activations, all of which fit one kernel; every other is read twice."""

    def __init__(self, operators: int) -> None:
        super().__init__()
        self.rounds = operators // 4

    def forward(self, x: Tensor) -> Tensor:
        x = x * 2
        for _ in range(self.rounds):
            y = torch.sigmoid(x)
            x = torch.tanh(y) * y + x
        return x


class Deep(nn.Module):
    """Modules in modules, as deep as Python lets torch call them, and many of those."""

    DEPTH = 30

    def __init__(self, operators: int) -> None:
        super().__init__()
        self.towers = nn.Sequential(*(_nested(self.DEPTH) for _ in range(operators // self.DEPTH)))

    def forward(self, x: Tensor) -> Tensor:
        return self.towers(x)


class Wide(nn.Module):
    """One tensor that every branch reads, and one operator that joins them."""

    def __init__(self, operators: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Conv2d(8, 8, 1, bias=False) for _ in range(operators))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


class Summed(Wide):
    """The same, with a chain of additions that joins them."""

    def forward(self, x: Tensor) -> Tensor:
        total, *others = (branch(x) for branch in self.branches)
        for other in others:
            total = total + other
        return total


def _nested(depth: int) -> nn.Module:
    module: nn.Module = nn.Conv2d(8, 8, 1)
    for _ in range(depth - 1):
        module = nn.Sequential(nn.ReLU(), module)
    return module


SHAPES: dict[str, Callable[[int], nn.Module]] = {
    kind.__name__.lower(): kind for kind in (Residual, Loop, Branches, Outputs, Views, Elementwise, Deep)
}


def given(shape: str) -> Tensor:
    """What the model of that shape takes."""
    return torch.empty(1, 3 if shape == "outputs" else 8, 8, 8, device="meta")

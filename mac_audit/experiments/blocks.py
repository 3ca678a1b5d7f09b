"""The paper's comparison of building blocks: ten stacked units of four networks at the same multiply-adds.

Appendix, Table 1b. No device is fitted on these speeds, so that they show what predictions are worth on networks that
were not fitted. The table prints the channels c of ShuffleNetV2 alone; the other widths follow from its "equal FLOPs".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from mac_audit.experiments import Platform, printed
from mac_audit.experiments.networks import BLOCKS
from mac_audit.zoo import mobilenet_v2, shufflenet_v1, shufflenet_v2
from mac_audit.zoo.shufflenet_v2 import ConvNorm

WIDTHS = (64, 128, 256)
GROUPS = 3  # of ShuffleNetV1, as in the rest of the paper
EXPANSION = 6  # of MobileNetV2


class XceptionUnit(nn.Module):
    """Three separable convolutions, c → c/4 → c/4 → c, and a residual: (N, c, H, W) → the same.

    The paper's own small Xception has a bottleneck of 1:4 (section 4 of Zhang et al., ShuffleNet, CVPR 2018).
    """

    def __init__(self, c: int) -> None:
        super().__init__()
        pairs = ((c, c // 4), (c // 4, c // 4), (c // 4, c))
        convs = (
            (ConvNorm(c_in, c_in, 3, groups=c_in, relu=False), ConvNorm(c_in, c_out, 1, relu=c_out < c))
            for c_in, c_out in pairs
        )
        self.main = nn.Sequential(*(layer for pair in convs for layer in pair))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.main(x) + x)
        return out


@dataclass(frozen=True, slots=True)
class Unit:
    """How a network's unit of width c is built, its multiply-adds a position, and what c must be a multiple of."""

    build: Callable[[int], nn.Module]
    madds: Callable[[int], float]
    multiple: int


UNITS = {
    "shufflenet_v2": Unit(shufflenet_v2.BasicUnit, lambda c: 2 * (c / 2) ** 2 + 9 * c / 2, 2),
    "shufflenet_v1": Unit(
        lambda c: shufflenet_v1.BasicUnit(c, GROUPS), lambda c: 2 * c * c / 4 / GROUPS + 9 * c / 4, 4 * GROUPS
    ),
    "mobilenet_v2": Unit(
        lambda c: mobilenet_v2.InvertedResidual(c, c, 1, EXPANSION), lambda c: EXPANSION * (2 * c * c + 9 * c), 1
    ),
    "xception": Unit(XceptionUnit, lambda c: 9 * (c / 4) ** 2 + 9 * (c + 2 * c / 4), 4),
}


@dataclass(frozen=True, slots=True)
class Stack:
    """Ten units and the ``speed`` that the paper measured; ``suspect`` where it is out of line with its neighbours."""

    network: str
    platform: Platform
    width: int
    side: int
    speed: float
    suspect: bool

    def build(self) -> nn.Module:
        """The network, on torch's default device, for (N, width, side, side)."""
        return nn.Sequential(*(UNITS[self.network].build(self.width) for _ in range(BLOCKS)))


def stacks(platform: Platform) -> tuple[Stack, ...]:
    """All of the table on one platform."""
    return tuple(
        Stack(row["network"], platform, width_of(row["network"], c), row["side"], speed, c in row["suspect"])
        for row in printed("blocks")["rows"]
        if row["platform"] == platform
        for c, speed in zip(WIDTHS, row["speeds"], strict=True)
    )


def width_of(network: str, c: int) -> int:
    """The width whose multiply-adds are nearest to those of ShuffleNetV2 with ``c`` channels."""
    unit, wanted = UNITS[network], UNITS["shufflenet_v2"].madds(c)
    return min(range(unit.multiple, 4 * c, unit.multiple), key=lambda width: abs(unit.madds(width) - wanted))

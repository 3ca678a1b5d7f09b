"""The four experiments on which the paper founds its guidelines: networks to build, and the speeds it measured.

Each compares small networks of the same multiply-adds: Table 1 varies the ratio of channels (G1), Table 2 the groups
(G2), Table 3 the fragments (G3), Table 4 the element-wise operators (G4). ``tables.toml`` holds the figures::

    for scan in scans(2):
        for row in scan:
            print(row.platform, row.parameters, row.speed, row.unit, row.build())
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import nn

Platform = Literal["gpu", "arm"]

UNITS: dict[Platform, str] = {"gpu": "batches/s", "arm": "images/s"}
PLATFORMS: dict[Platform, str] = {"gpu": "gtx-1080-ti", "arm": "snapdragon-810"}  # the devices' names


@dataclass(frozen=True, slots=True)
class Row:
    """One network of a table and the ``speed`` that the paper measured for it on ``platform``.

    ``parameters`` are the arguments of the network, ``source`` is where the speed is printed.
    """

    table: int
    platform: Platform
    parameters: dict[str, int]
    speed: float
    source: str

    @property
    def unit(self) -> str:
        """Of the speed; the tables do not state how many images a batch has."""
        return UNITS[self.platform]

    def build(self) -> nn.Module:
        """The network, on torch's default device; ``input_size`` is the shape of one image for it."""
        from mac_audit.experiments.networks import NETWORKS

        return NETWORKS[self.table](**self.parameters)

    @property
    def width(self) -> int:
        """Its channels, as the table counts them."""
        return self.parameters["c1" if self.table == 1 else "c"]

    @property
    def label(self) -> str:
        """What differs between the rows of a scan."""
        p = self.parameters
        if self.table == 1:
            return f"1:{p['c2'] // p['c1']}"
        if self.table == 2:
            return f"{p['groups']} group{'s' if p['groups'] > 1 else ''}"
        if self.table == 3:
            side = "parallel" if p["parallel"] else "in series"
            return f"{p['fragments']} {side}" if p["fragments"] > 1 else "1 fragment"
        return " and ".join(name for name in ("relu", "shortcut") if p[name]) or "neither"

    @property
    def amount(self) -> float | None:
        """What the guideline is about, as a finding has it too; None for a network that no finding is like.

        The ratio of widths, groups, fragments side by side, maps that the element-wise operator reads.
        """
        if self.table == 3 and self.breaks[0] > 1 and not self.parameters["parallel"]:
            return None
        if self.table == 4:
            return {"relu": 1.0, "shortcut": 2.0}.get(self.label)
        return float(self.breaks[0])

    @property
    def breaks(self) -> tuple[int, ...]:
        """How far it breaks its guideline: ratio, groups, fragments (parallel ones last), element-wise operators."""
        p = self.parameters
        if self.table == 1:
            return (p["c2"] // p["c1"],)
        if self.table == 2:
            return (p["groups"],)
        if self.table == 3:
            return (p["fragments"], p["parallel"])
        return (p["relu"] + p["shortcut"], p["shortcut"])


@cache
def scans(table: int) -> tuple[tuple[Row, ...], ...]:
    """The rows of Table ``table``, 1 to 4, by platform and size: only within a scan may speeds be compared."""
    content = printed(f"table{table}")
    return tuple(tuple(_row(table, content["source"], scan, row) for row in scan["rows"]) for scan in content["scans"])


def rows(table: int) -> tuple[Row, ...]:
    """All rows of Table ``table``, 1 to 4."""
    return tuple(row for scan in scans(table) for row in scan)


def printed(name: str) -> dict[str, Any]:
    """One table of ``tables.toml`` as it stands there."""
    content: dict[str, Any] = _tables()[name]
    return content


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads((resources.files(__name__) / "tables.toml").read_text(encoding="utf-8"))


def _row(table: int, source: str, scan: dict[str, Any], row: dict[str, Any]) -> Row:
    about = {"platform", "scale", "rows", "speed"}
    parameters = {name: value for name, value in (scan | row).items() if name not in about}
    return Row(table, scan["platform"], parameters, row["speed"], source)

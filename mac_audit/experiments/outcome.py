"""What an experiment found, as plain data that can be kept and read again without torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import mean, median
from typing import Annotated, Literal

from mac_audit.errors import MacAuditError
from mac_audit.experiments import PLATFORMS, Platform
from mac_audit.plain import Count, Within, from_plain, parse_versioned, to_plain
from mac_audit.ranks import rank_correlation

SCHEMA_VERSION = 2
_FOLLOWS = ("verdict", "cost", "order")

Verdict = Literal["holds", "does not show", "is reversed"]
Guideline = Literal["g1", "g2", "g3", "g4"]
Speed = Annotated[float, Within(1e-6, 1e6)]  # a ratio of two, which is divided by
Degree = Annotated[float, Within(1, 1e6)]
Width = Annotated[int, Within(1, 10**9)]


@dataclass(frozen=True)
class Point:
    """One network: what differs, its memory access, and its speed relative to the first of its scan.

    ``here`` is this machine's, ``within`` its 95 % interval, ``paper`` that of both of the paper's platforms.
    ``amount`` is that of ``Row``.
    """

    label: str
    mac_elements: Count
    here: Speed
    within: tuple[Speed, Speed]
    paper: dict[Platform, Speed]
    amount: Degree | None = None

    @property
    def longer(self) -> float:
        """How much more time it takes than the first: 0.38 for 38 %."""
        return 1 / self.here - 1

    @property
    def longer_within(self) -> tuple[float, float]:
        """The 95 % interval of that."""
        slowest, fastest = self.within
        return 1 / fastest - 1, 1 / slowest - 1


@dataclass(frozen=True)
class Scan:
    """Networks of equal multiply-adds; ``width`` is that of the first."""

    width: Width
    points: tuple[Point, ...]

    @property
    def cost(self) -> float:
        """How much longer the last, which breaks the guideline most, takes than the first, which follows it."""
        return self.points[-1].longer


@dataclass(frozen=True)
class Experiment:
    """One guideline on one machine: ``device`` is its name, as calibration gives it, ``date`` is YYYY-MM-DD."""

    guideline: Guideline
    table: Annotated[int, Within(1, 4)]
    device: str
    torch: str
    dtype: str
    compiled: bool
    date: str
    scans: tuple[Scan, ...]

    @property
    def cost(self) -> float:
        """The mean over the scans of how much slower the network that breaks the guideline most is."""
        return mean(scan.cost for scan in self.scans)

    @property
    def order(self) -> float:
        """The mean rank correlation of time and memory access within a scan."""
        return mean(
            rank_correlation([point.mac_elements for point in scan.points], [1 / point.here for point in scan.points])
            for scan in self.scans
        )

    @property
    def agreement(self) -> dict[Platform, float]:
        """The mean rank correlation with the paper's speeds within a scan."""
        return {
            platform: mean(
                rank_correlation([p.paper[platform] for p in scan.points], [p.here for p in scan.points])
                for scan in self.scans
            )
            for platform in self.scans[0].points[0].paper
        }

    @property
    def verdict(self) -> Verdict:
        """It holds where the 95 % interval of the last network's cost is above zero in most scans."""
        lows, highs = zip(*(scan.points[-1].longer_within for scan in self.scans), strict=True)
        if median(lows) > 0:
            return "holds"
        return "is reversed" if median(highs) < 0 else "does not show"

    def to_json(self) -> str:
        """One document, with the verdict, the mean ``cost`` and ``order``, which follow from the rest."""
        told = {name: getattr(self, name) for name in _FOLLOWS}
        document = {"schema_version": SCHEMA_VERSION, **to_plain(self), **told}
        return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str) -> Experiment:
        """The experiment that ``text`` holds; ``MacAuditError`` names what is wrong with it."""
        document = parse_versioned(text, SCHEMA_VERSION, where)
        found = from_plain(cls, {key: value for key, value in document.items() if key not in _FOLLOWS}, where)
        points = [point for scan in found.scans for point in scan.points]
        if not found.scans or not all(scan.points for scan in found.scans):
            wrong = "a scan without networks" if found.scans else "no scans"
        elif any(scan.points[0].here != 1 for scan in found.scans):
            wrong = "a scan whose first network is not what the others are compared with"
        elif any(not low <= point.here <= high for point in points for low, high in [point.within]):
            wrong = "a speed outside its own interval"
        elif any(point.paper.keys() != PLATFORMS.keys() for point in points):
            wrong = "a network without a speed on each of the paper's platforms"
        elif found.guideline == "g4" and any(point.amount not in (None, 1, 2) for point in points):
            wrong = "an element-wise operator that reads neither one map nor two"
        else:
            return found
        raise MacAuditError(f"{where} has {wrong}; remove it, or run the experiment again.")

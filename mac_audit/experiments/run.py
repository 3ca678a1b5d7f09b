"""The paper's four experiments on this machine: the same networks, timed against one another.

What a scan compares runs in turn, so that only ratios within it are told; the paper's own speeds are set beside them as
ratios too. A guideline holds where the network that breaks it most is slower by more than the measurements scatter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import mean, median
from typing import Any, Literal

import torch

from mac_audit.capture import capture
from mac_audit.experiments import Platform, Row, scans
from mac_audit.lower import lower
from mac_audit.measuring.running import inference, with_weights
from mac_audit.measuring.stopwatch import Work, interleaved
from mac_audit.plain import to_plain
from mac_audit.profile import Profile
from mac_audit.ranks import rank_correlation

GUIDELINES = {"g1": 1, "g2": 2, "g3": 3, "g4": 4}
ROUNDS = 15

Verdict = Literal["holds", "does not show", "is reversed"]


@dataclass(frozen=True)
class Point:
    """One network: what differs, its memory access, and its speed relative to the first of its scan.

    ``here`` is this machine's, ``paper`` that of both of the paper's platforms; ``spread`` is relative.
    """

    label: str
    mac_elements: int
    here: float
    spread: float
    paper: dict[Platform, float]


@dataclass(frozen=True)
class Scan:
    """Networks of equal multiply-adds; ``width`` is that of the first."""

    width: int
    points: tuple[Point, ...]

    @property
    def cost(self) -> float:
        """How much slower the slowest by the guideline, the last but for Table 4, is than the one that follows it."""
        follows, breaks = self.points[0], self.points[-1]
        return follows.here / breaks.here - 1

    @property
    def scatter(self) -> float:
        """What of that may be chance: twice the spreads of both."""
        return 2 * (self.points[0].spread + self.points[-1].spread)


@dataclass(frozen=True)
class Experiment:
    """One guideline on one machine."""

    guideline: str
    table: int
    device: str
    torch: str
    dtype: str
    compiled: bool
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
        """By the median scan, against what may be chance."""
        cost, scatter = median(scan.cost for scan in self.scans), median(scan.scatter for scan in self.scans)
        if cost > scatter:
            return "holds"
        return "is reversed" if cost < -scatter else "does not show"

    def to_json(self) -> str:
        """One document, with the verdict."""
        told = {**to_plain(self), "verdict": self.verdict, "cost": self.cost, "order": self.order}
        return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def run(
    guideline: str,
    backend: str,
    *,
    threads: int = 1,
    dtype: str = "float32",
    compiled: bool = False,
    progress: Callable[[str], object] = lambda _: None,
) -> Experiment:
    """Run the experiment of ``guideline``, on the sizes that the paper used for that kind of machine."""
    table = GUIDELINES[guideline]
    own: Platform = "arm" if backend == "cpu" else "gpu"
    other: Platform = "gpu" if own == "arm" else "arm"
    by_platform = {p: [scan for scan in scans(table) if scan[0].platform == p] for p in (own, other)}
    found = []
    for ours, theirs in zip(by_platform[own], by_platform[other], strict=True):
        progress(f"{guideline} at {_width(ours[0])} channels")
        found.append(_scan(ours, {own: ours, other: theirs}, backend, threads, getattr(torch, dtype), compiled))
    name = (
        f"{torch.cuda.get_device_name(0)}"
        if backend != "cpu"
        else f"this processor, {threads} thread{'s' if threads > 1 else ''}"
    )
    return Experiment(guideline, table, name, torch.__version__, dtype, compiled, tuple(found))


def _scan(
    ours: tuple[Row, ...],
    printed: dict[Platform, tuple[Row, ...]],
    backend: str,
    threads: int,
    dtype: torch.dtype,
    compiled: bool,
) -> Scan:
    ordered = sorted(range(len(ours)), key=lambda i: _weight(ours[i]))
    with inference(threads):
        works = {label(ours[i]): _work(ours[i], backend, dtype, compiled) for i in ordered}
        samples = interleaved(works, ROUNDS)
    first = ordered[0]
    return Scan(
        width=_width(ours[0]),
        points=tuple(
            Point(
                label=label(ours[i]),
                mac_elements=_access(ours[i]),
                here=samples[label(ours[first])].seconds / samples[label(ours[i])].seconds,
                spread=samples[label(ours[i])].spread,
                paper={platform: rows[i].speed / rows[first].speed for platform, rows in printed.items()},
            )
            for i in ordered
        ),
    )


def _work(row: Row, backend: str, dtype: torch.dtype, compiled: bool) -> Work:
    torch.manual_seed(0)
    model: Any = row.build().eval()
    with_weights(model, backend, dtype)
    image = torch.randn(1, *model.input_size, device=backend).to(dtype)
    run: Any = torch.compile(model) if compiled else model
    return lambda: run(image)


def _access(row: Row) -> int:
    with torch.device("meta"):
        model: Any = row.build().eval()
    image = torch.empty(1, *model.input_size, device="meta")
    return Profile(lower(capture(model, image))).total.mac_elements


def _weight(row: Row) -> tuple[int, ...]:
    """How far a row breaks its guideline: ratio, groups, fragments (parallel ones last), element-wise operators."""
    p = row.parameters
    if row.table == 1:
        return (p["c2"] // p["c1"],)
    if row.table == 2:
        return (p["groups"],)
    if row.table == 3:
        return (p["fragments"], p["parallel"])
    return (p["relu"] + p["shortcut"], p["shortcut"])


def label(row: Row) -> str:
    """What differs between the rows of a scan."""
    p = row.parameters
    if row.table == 1:
        return f"1:{p['c2'] // p['c1']}"
    if row.table == 2:
        return f"{p['groups']} group{'s' if p['groups'] > 1 else ''}"
    if row.table == 3:
        return (
            f"{p['fragments']} {'parallel' if p['parallel'] else 'in series'}" if p["fragments"] > 1 else "1 fragment"
        )
    return " and ".join(name for name in ("relu", "shortcut") if p[name]) or "neither"


def _width(row: Row) -> int:
    return row.parameters["c1" if row.table == 1 else "c"]


def lines(found: Experiment) -> Iterator[str]:
    """The experiment as text."""
    compiled = ", compiled" if found.compiled else ""
    how = f"{found.dtype}, torch {found.torch}{compiled}"
    yield f"{found.guideline.upper()} (Table {found.table}) on {found.device}, {how}"
    yield "  speed relative to the first row of a scan; beside it the paper's GTX 1080 Ti and Snapdragon 810"
    for scan in found.scans:
        yield f"  {scan.width:4} channels{'MAC':>14}{'here':>10}{'1080 Ti':>10}{'810':>8}"
        for point in scan.points:
            paper = f"{point.paper['gpu']:>10.2f}{point.paper['arm']:>8.2f}"
            yield f"    {point.label:18}{point.mac_elements / 1e6:>7.2f} M{point.here:>10.2f}{paper}"
    agreement = ", ".join(f"{value:.2f} with {name}" for name, value in found.agreement.items())
    yield f"  order: rank correlation {found.order:.2f} of time with memory access; {agreement}"
    what = f"the last row of a scan takes {found.cost:+.0%} time against the first"
    yield f"  {found.guideline.upper()} {found.verdict} here: {what}"

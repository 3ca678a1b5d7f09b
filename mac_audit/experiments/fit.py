"""Fit the paper's two platforms to its Tables 1 to 4, and nothing else.

``python -m mac_audit.experiments.fit`` prints what it found and rewrites ``launch``, ``rates`` and ``fit`` of
``devices/gtx-1080-ti.toml`` and ``devices/snapdragon-810.toml``. The networks run as the paper ran them: batch 1 (with
eight images the GPU would exceed its peak), tensor fusion on. Table 4 does not state its input size, so that only the
ratios within a scan count there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import exp, log
from pathlib import Path
from statistics import median
from typing import Any

import torch

from mac_audit import device_file
from mac_audit.capture import capture
from mac_audit.device import DEFAULT, Device, Fit, Rates, Step, steps_of, time_of
from mac_audit.device_file import find, written
from mac_audit.experiments import PLATFORMS, Platform, Row, rows
from mac_audit.files import write_whole
from mac_audit.lower import lower
from mac_audit.measuring.fit import Free, fitted
from mac_audit.profile import Profile

EXECUTION = "fused"  # "tensor fusion on" (section 2 of the paper)
CONTRACTIONS = ("conv", "pointwise-conv", "grouped-conv", "depthwise-conv", "matmul")
OTHERS = (DEFAULT,)
RATIOS_ONLY = 4  # the table that does not state its input

# What the tables do not tell apart shares a number. Starts are round numbers of which the tables move all that they
# say something about: half of a peak, a fifth of a bandwidth; a launch is 5 µs from PyTorch on a GPU.
FREE: dict[Platform, tuple[Free, ...]] = {
    "gpu": (
        Free("launch", start=5e-6),
        Free("compute", CONTRACTIONS, start=0.5),
        Free("memory", CONTRACTIONS, start=0.2),
        Free("memory", OTHERS, start=0.2),
        Free("per_group", ("grouped-conv",), start=0.5),
    ),
    "arm": (
        Free("launch", start=5e-6),
        Free("compute", CONTRACTIONS, start=0.5),
        Free("width", CONTRACTIONS, start=4),
        Free("memory", (*CONTRACTIONS, *OTHERS), start=0.2),
    ),
}


@dataclass(frozen=True)
class Measured:
    """A network of a table with the seconds that the paper measured for one run."""

    row: Row
    steps: tuple[Step, ...]

    @property
    def seconds(self) -> float:
        """Of one run at batch 1."""
        return 1 / self.row.speed

    def predicted(self, device: Device) -> float:
        """Seconds."""
        return sum(time_of(step, device).total for step in self.steps)


def measured(platform: Platform) -> tuple[Measured, ...]:
    """All rows of Tables 1 to 4 on ``platform``."""
    return tuple(
        Measured(row, _steps(row.table, tuple(row.parameters.items())))
        for table in (1, 2, 3, 4)
        for row in rows(table)
        if row.platform == platform
    )


@cache
def _steps(table: int, parameters: tuple[tuple[str, int], ...]) -> tuple[Step, ...]:
    row = next(row for row in rows(table) if tuple(row.parameters.items()) == parameters)
    with torch.device("meta"):
        model: Any = row.build().eval()
    profile = Profile(lower(capture(model, torch.empty(1, *model.input_size, device="meta"))), EXECUTION)
    return steps_of(profile.operators, profile.network)


def residuals(found: Sequence[Measured], device: Device) -> list[float]:
    """Logarithms of predicted over measured time; in Table 4 less what a scan has in common."""
    logs = [log(item.predicted(device) / item.seconds) for item in found]
    common: dict[int, list[float]] = {}
    for item, value in zip(found, logs, strict=True):
        if item.row.table == RATIOS_ONLY:
            common.setdefault(item.row.parameters["c"], []).append(value)
    shared = {c: sum(values) / len(values) for c, values in common.items()}
    return [
        value - (shared[item.row.parameters["c"]] if item.row.table == RATIOS_ONLY else 0)
        for item, value in zip(found, logs, strict=True)
    ]


def fit(platform: Platform, found: Sequence[Measured]) -> Device:
    """The platform's device with its rates as ``found`` has them."""
    device = replace(find(PLATFORMS[platform]), rates=blank(platform), fit=None)
    return fitted(device, FREE[platform], lambda device, _: residuals(found, device), len(found))


def blank(platform: Platform) -> dict[str, Rates]:
    """Where the fit begins. A GPU is half full with as many results as it has resident threads."""
    fill = 1.0 if platform == "gpu" else 0.0
    return {kind: Rates(fill=fill if kind in CONTRACTIONS else 0.0) for kind in (*CONTRACTIONS, *OTHERS)}


def errors(found: Sequence[Measured], device: Device) -> list[float]:
    """Absolute relative errors."""
    return [abs(exp(value) - 1) for value in residuals(found, device)]


def held_out(platform: Platform, found: Sequence[Measured]) -> dict[int, list[float]]:
    """The errors in each table where the other three were fitted."""
    return {
        table: errors(
            [item for item in found if item.row.table == table],
            fit(platform, [item for item in found if item.row.table != table]),
        )
        for table in (1, 2, 3, 4)
    }


def main() -> None:
    """Fit, print, write."""
    for platform, name in PLATFORMS.items():
        found = measured(platform)
        device = fit(platform, found)
        unseen = held_out(platform, found)
        told = Fit(
            data="Tables 1 to 4 of Ma et al., ShuffleNet V2, ECCV 2018 (experiments/tables.toml)",
            execution=EXECUTION,
            error=round(median(errors(found, device)), 3),
            held_out=round(median([error for some in unseen.values() for error in some]), 3),
        )
        device = replace(device, fit=told)
        path = Path(device_file.__file__).parent / "devices" / f"{name}.toml"
        write_whole(path, written(device))
        print(f"{name}: error {told.error:.1%}, held out {told.held_out:.1%}:", end=" ")  # noqa: T201
        print(", ".join(f"Table {table} {median(some):.1%}" for table, some in unseen.items()))  # noqa: T201


if __name__ == "__main__":
    main()

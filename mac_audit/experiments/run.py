"""The paper's four experiments on this machine: the same networks, timed against one another.

What a scan compares runs in turn, so that only ratios within it are told; the paper's own speeds are set beside them as
ratios too. A guideline holds where the network that breaks it most is slower beyond chance in most of its scans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import torch

from mac_audit import _torch as private
from mac_audit.capture import capture
from mac_audit.errors import MacAuditError
from mac_audit.experiments import Platform, Row, scans
from mac_audit.experiments.outcome import Experiment, Guideline, Point, Scan
from mac_audit.lower import lower
from mac_audit.measuring.calibrate import machine, torch_version
from mac_audit.measuring.joining import NO_COMPILER
from mac_audit.measuring.running import inference, with_weights
from mac_audit.measuring.stopwatch import Work, interleaved, ratio
from mac_audit.profile import Profile

GUIDELINES: dict[Guideline, int] = {"g1": 1, "g2": 2, "g3": 3, "g4": 4}
ROUNDS = 101
_SHORT: dict[Platform, str] = {"gpu": "1080 Ti", "arm": "810"}  # of the paper's devices, as the columns call them


def run(
    guideline: Guideline,
    backend: str,
    *,
    threads: int = 1,
    dtype: str = "float32",
    compiled: bool = False,
    device: str | None = None,
    progress: Callable[[str], object] = lambda _: None,
) -> Experiment:
    """Run the experiment of ``guideline``, on the sizes that the paper used for that kind of machine.

    ``device`` is what to call the machine, after itself by default, as in a calibration.
    """
    if compiled and backend == "cpu" and not private.compiles_cpp():
        raise MacAuditError(f"{NO_COMPILER}, or leave out --compile.")
    table = GUIDELINES[guideline]
    own: Platform = "arm" if backend == "cpu" else "gpu"
    other: Platform = "gpu" if own == "arm" else "arm"
    by_platform = {p: [scan for scan in scans(table) if scan[0].platform == p] for p in (own, other)}
    found = []
    for ours, theirs in zip(by_platform[own], by_platform[other], strict=True):
        progress(f"{guideline} at {ours[0].width} channels")
        found.append(_scan(ours, {own: ours, other: theirs}, backend, threads, getattr(torch, dtype), compiled))
    return Experiment(
        guideline,
        table,
        device or machine(backend, threads).name,
        torch_version(),
        dtype,
        compiled,
        datetime.now(UTC).date().isoformat(),
        tuple(found),
    )


def _scan(
    ours: tuple[Row, ...],
    printed: dict[Platform, tuple[Row, ...]],
    backend: str,
    threads: int,
    dtype: torch.dtype,
    compiled: bool,
) -> Scan:
    ordered = sorted(range(len(ours)), key=lambda i: ours[i].breaks)
    with inference(threads):
        works = {ours[i].label: _work(ours[i], backend, dtype, compiled) for i in ordered}
        samples = interleaved(works, ROUNDS)
    first = ordered[0]
    points = []
    for i in ordered:
        low, here, high = ratio(samples[ours[first].label], samples[ours[i].label])
        points.append(
            Point(
                label=ours[i].label,
                mac_elements=_access(ours[i]),
                here=here,
                within=(low, high),
                paper={platform: rows[i].speed / rows[first].speed for platform, rows in printed.items()},
                amount=ours[i].amount,
            )
        )
    return Scan(ours[0].width, tuple(points))


def _work(row: Row, backend: str, dtype: torch.dtype, compiled: bool) -> Work:
    torch.manual_seed(0)
    model: Any = row.build().eval()
    with_weights(model, backend, dtype)
    image = torch.randn(1, *model.input_size, device=backend).to(dtype)
    run: Any = private.compiled(model, [image])[0] if compiled else model
    return lambda: run(image)


def _access(row: Row) -> int:
    with torch.device("meta"):
        model: Any = row.build().eval()
    image = torch.empty(1, *model.input_size, device="meta")
    return Profile(lower(capture(model, image))).total.mac_elements


def lines(found: Experiment) -> Iterator[str]:
    """The experiment as text."""
    compiled = ", compiled with weights as constants" if found.compiled else ""
    how = f"{found.dtype}, torch {found.torch}{compiled}"
    yield f"{found.guideline.upper()} (Table {found.table}) on {found.device}, {how}"
    yield "  speed relative to the first row of a scan, with its 95 % interval; beside it the paper's two platforms"
    for scan in found.scans:
        yield f"  {scan.width:4} channels{'MAC':>14}{'here':>14}{'':9}{'1080 Ti':>8}{'810':>8}"
        for point in scan.points:
            low, high = point.within
            here = f"{point.here:>8.2f}" + (f" ({low:.2f}–{high:.2f})" if point is not scan.points[0] else "")
            paper = f"{point.paper['gpu']:>8.2f}{point.paper['arm']:>8.2f}"
            yield f"    {point.label:18}{point.mac_elements / 1e6:>7.2f} M{here:<23}{paper}"
    agreement = ", ".join(f"{value:.2f} with the {_SHORT[name]}" for name, value in found.agreement.items())
    yield f"  order: rank correlation {found.order:.2f} of time with memory access; {agreement}"
    what = f"the last row of a scan takes {100 * found.cost:+.0f} % time against the first"
    yield f"  {found.guideline.upper()} {found.verdict} here: {what}"

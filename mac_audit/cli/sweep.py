"""``mac-audit check --sweep``: one model over a grid of input sizes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from mac_audit.cli.outputs import outputs, write
from mac_audit.cli.progress import progress
from mac_audit.errors import MacAuditError, nearest

if TYPE_CHECKING:
    from mac_audit.job import Job
    from mac_audit.reporters import View
    from mac_audit.sweep import Sweep

FORMATS = ("table", "json")


def swept(jobs: Sequence[Job], texts: Sequence[str], formats: Sequence[str], strict: bool, forgiving: bool) -> int:
    """Sweep the one job over the axes in ``texts`` and show it: 0, 1 where a point fails, 2 where one does not run."""
    from mac_audit.parallel import sweep
    from mac_audit.sweep import axis

    destinations = outputs(formats, _renderer)
    if len(jobs) != 1:
        raise MacAuditError(f"--sweep is for one model, and {len(jobs)} are to be audited; name one.")
    axes = [axis(text) for text in texts]
    with progress(math.prod(len(one.values) for one in axes)) as done:
        found = sweep(jobs[0], axes, lambda point: done(", ".join(f"{k} {v}" for k, v in point.sizes.items())))
    write([found], destinations)
    if any(point.report is None or point.report.errors for point in found.points):
        return 2
    reports = [point.report for point in found.points if point.report is not None]
    failed = any(report.verdict == "fail" or (strict and report.totals.lower_bound) for report in reports)
    return int(failed and not forgiving)


def _renderer(name: str) -> Callable[[Sequence[Sweep], View], str]:
    if name not in FORMATS:
        raise MacAuditError(
            f"A sweep has no format {name!r}; choose one of {', '.join(FORMATS)}.{nearest(name, FORMATS)}"
        )
    render: Callable[[Sequence[Sweep], View], str] = import_module(f"mac_audit.reporters.sweep_{name}").render
    return render

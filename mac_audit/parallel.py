"""Jobs whose models run apart: no model sees what another imported, and none takes the others along.

A model that raises, calls ``sys.exit`` or whose process is killed is a report with an ``error``.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from mac_audit import isolation
from mac_audit.engine import not_audited
from mac_audit.errors import MacAuditError
from mac_audit.isolation import isolated, kept_for_results, only
from mac_audit.job import Audited, Job, audited, points
from mac_audit.report import Report, checked
from mac_audit.reporters.escape import printable_lines
from mac_audit.sweep import Axis, Point, Sweep, grid


def run_one(job: Job) -> Audited:
    """The result of ``job``; what was saved has no code to run apart. ``MacAuditError`` where it cannot be done."""
    if not job.needs_torch:
        with kept_for_results():  # rules of plugins print too
            return next(audited(job))
    return _apart(job)


def run_all(
    jobs: Sequence[Job], processes: int, done: Callable[[Job], object], show_traceback: bool = False
) -> list[Audited]:
    """The results of ``jobs`` in their order, ``processes`` at a time; ``done`` is called after each, from threads.

    With ``show_traceback`` the traceback of what could not be done is printed.
    """
    stop = threading.Event()

    def apart(job: Job) -> Audited:
        try:
            return _apart(job, stop)
        except MacAuditError as error:
            if show_traceback:
                sys.stderr.write(printable_lines(traceback.format_exc()))
            return Audited(not_audited(job.request, job.name, str(error)))
        finally:
            done(job)

    if isolation.AVAILABLE and any(job.request.isolation for job in jobs):
        isolation.start(with_torch=any(job.needs_torch for job in jobs))
    if processes == 1 or not isolation.AVAILABLE or not all(job.request.isolation for job in jobs):
        return [apart(job) for job in jobs]
    pool = ThreadPoolExecutor(processes)
    try:
        return list(pool.map(apart, jobs))
    finally:
        stop.set()  # of use where an interrupt ends it
        pool.shutdown(cancel_futures=True)


def sweep(job: Job, axes: Sequence[Axis], done: Callable[[Point], object]) -> Sweep:
    """``job`` at every point of the grid; ``done`` is called after each.

    Points after one that ended the process have its error. Raises ``MacAuditError`` where the model runs at none, or
    where the grid makes no sense.
    """
    if not job.needs_torch:
        raise MacAuditError(f"{job.request.target} is captured at one size; sweep the model that it came from.")
    sizes = grid(axes)
    found: list[Point] = []
    try:
        for point, asked in zip(isolated(Point, points, (job, axes), job.request), sizes, strict=False):
            report = point.report and _of(job, point.report)
            found.append(Point(asked, report, point.error))
            done(found[-1])
    except MacAuditError as error:
        if not found:
            raise
        found += (Point(asked, error=str(error)) for asked in sizes[len(found) :])
    if all(point.report is None for point in found):
        raise MacAuditError(f"{job.request.target} runs at no point of the sweep: {found[0].error}")
    return Sweep(job.name, tuple(axes), tuple(found))


def _apart(job: Job, stop: threading.Event | None = None) -> Audited:
    result = only(isolated(Audited, audited, (job,), job.request, stop))
    return replace(result, report=_of(job, result.report))


def _of(job: Job, report: Report) -> Report:
    """``report``, which code of the model's may have written: whole, and of no other model."""
    report = checked(report, f"The result of {job.request.target}")
    notes = (*report.notes, *job.notes)
    if job.request.isolation and not isolation.FORKS:
        notes += ("This system cannot fork: the model's code ran in the command's own process, without limits.",)
    return replace(report, name=job.name, target=job.request.target, notes=notes)

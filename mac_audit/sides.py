"""The two sides of a diff: reports from saved files, or from auditing targets, now or at a git revision.

What judges is imported where something is judged: saved reports are compared in no time.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mac_audit.diff import Diff, alone, compare
from mac_audit.errors import MacAuditError
from mac_audit.files import read
from mac_audit.plain import parse_json
from mac_audit.report import Line, Report
from mac_audit.worktree import Worktree, checked_out

if TYPE_CHECKING:
    from mac_audit.config import Config
    from mac_audit.job import Job

Given = Mapping[str, Any]  # what the command line says of a request, by its fields


def two(old: str, new: str, given: Given) -> tuple[list[Report], list[Report]]:
    """The reports of two sources, each a saved report, a saved network or a target.

    Saved files are read without torch. Every target is audited in a process of its own, so that modules of the same
    name do not mix.
    """
    targets = [source for source in dict.fromkeys((old, new)) if not is_saved(source)]
    if not targets and given:
        raise MacAuditError(f"{old} and {new} are saved already; the options of a target have nothing to act on.")
    audited = dict(zip(targets, _audited(targets, given), strict=True)) if targets else {}
    first, second = ([audited[source]] if source in audited else saved(source) for source in (old, new))
    return first, second


def since(revision: str, targets: Sequence[str], given: Given) -> tuple[list[Report], list[Report]]:
    """The reports of ``targets`` at a git revision and now; without targets, of all that the configuration names.

    Each side is audited under the configuration that stands beside it; where that names no model yet, there was none.
    """
    with checked_out(revision) as worktree, contextlib.chdir(worktree.here):
        try:
            there = targets or _configuration().model
            old = [_as_of(worktree, report) for report in _audited(targets, given)] if there else []
        except MacAuditError as error:
            raise MacAuditError(f"At {revision}: {error}") from error
    return old, _audited(targets, given)


def saved(file: str) -> list[Report]:
    """The reports in a JSON file: those that ``-o json`` wrote, or that of a network that was saved."""
    found = saved_reports(file)
    return [_judged(file)] if found is None else found


def saved_reports(file: str) -> list[Report] | None:
    """The reports that ``-o json`` wrote into a file; None where it holds a network."""
    document = parse_json(read(file, file, f"give a report that -o json={file} wrote"), file)
    if document == []:
        raise MacAuditError(f"{file} holds no report; give one that -o json={file} wrote.")
    if isinstance(document, list):
        return [Report.of(part, f"{file}[{place}]") for place, part in enumerate(document)]
    if isinstance(document, dict) and "tensors" in document:
        return None
    return [Report.of(document, file)]


def diffs(old: Sequence[Report], new: Sequence[Report]) -> list[Diff]:
    """What changed in each model, those of one side alone last; two single reports belong together."""
    for report in (*old, *new):
        if report.error:
            raise MacAuditError(f"{report.name} was not audited ({report.error}); there is nothing to compare.")
    if len(old) == len(new) == 1:
        return [compare(old[0], new[0])]
    before, after = ({report.name or report.target: report for report in side} for side in (old, new))
    return [
        *(compare(before[name], report) for name, report in after.items() if name in before),
        *(alone(report, "new") for name, report in after.items() if name not in before),
        *(alone(report, "gone") for name, report in before.items() if name not in after),
    ]


def is_saved(source: str) -> bool:
    """Whether it is a file with a report or a network, and no target."""
    return source.endswith(".json")


def _judged(file: str) -> Report:
    from mac_audit import engine
    from mac_audit.job import network_of
    from mac_audit.profile import Profile
    from mac_audit.request import Request
    from mac_audit.rule import discover

    return engine.audit(Profile(network_of(Request(file))), discover(), target=file)


def _audited(targets: Sequence[str], given: Given) -> list[Report]:
    from mac_audit import config, settings
    from mac_audit.parallel import run_all

    jobs = settings.jobs(_configuration(), config.Config(request=dict(given)), targets)
    reports = [audited.report for audited in run_all(jobs, min(len(jobs), 2), _quietly)]
    for report in reports:
        if report.error:
            raise MacAuditError(report.error)
    return reports


def _configuration() -> Config:
    """The one that holds for the working directory."""
    from mac_audit import config

    path = config.find(Path.cwd())
    return config.read(path) if path else config.Config()


def _quietly(job: Job) -> None:
    """Nobody waits for a single model of a diff."""
    del job


def _as_of(worktree: Worktree, report: Report) -> Report:
    """The report with lines of the worktree told as lines of the repository.

    ``MacAuditError`` where the model came from today's files after all: an installed package, or an absolute path.
    """
    for line in _lines(report):
        if Path(line.file).is_absolute() and Path(line.file).is_relative_to(worktree.repository):
            raise MacAuditError(
                f"the model came from {line.file} of today, not from the revision; name it by a path relative to the"
                " working directory, and import nothing from the repository that is installed."
            )
    return Report.from_json(report.to_json().replace(json.dumps(f"{worktree.root}/")[1:-1], ""))


def _lines(report: Report) -> Iterable[Line]:
    sources = [*(row.source for row in report.layers), *(row.source for row in report.operators)]
    return filter(None, sources)

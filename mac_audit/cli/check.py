"""``mac-audit check``, the default command: audit models and report them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mac_audit.cli.options import errors_told, told
from mac_audit.cli.outputs import output_option, outputs, write
from mac_audit.cli.progress import progress, working
from mac_audit.cli.settings import settings_options
from mac_audit.cli.standard_output import show
from mac_audit.cli.view import view_options, wanted
from mac_audit.errors import MacAuditError

if TYPE_CHECKING:
    from mac_audit.baseline import Baseline
    from mac_audit.config import Config
    from mac_audit.job import Audited, Job
    from mac_audit.report import Report


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET ...]")
@settings_options
@click.option(
    "--flop-convention",
    type=click.Choice(["paper", "torch"]),
    default="paper",
    show_default=True,
    help="One or two FLOPs a multiply-add.",
)
@output_option("table (the default), json, markdown, github, gitlab, junit, sarif")
@view_options
@click.option(
    "--write-baseline",
    is_flag=False,
    flag_value="",
    metavar="[FILE]",
    help="Write the findings into the baseline; exit 0.",
)
@click.option("--prune-baseline", is_flag=True, help="Take out of the baseline what is no longer found.")
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="NAME=VALUES",
    help="A grid of input sizes: resolution=128:448:32, batch=1,8,64, seq-len=...; may be repeated.",
)
@click.option("--exit-zero", is_flag=True, help="Exit 0 also where there are findings.")
@click.option("-j", "--jobs", "processes", type=click.IntRange(min=1), default=1, help="Models at a time.")
@click.option("--show-settings", is_flag=True, help="Show what is in force and where it comes from; audit nothing.")
@click.option("--traceback", "show_traceback", is_flag=True, help="Show Python's traceback of an error.")
def check(show_traceback: bool, **settings: Any) -> None:
    """Audit each TARGET, or model that the configuration names, all of these without one.

    Costs by layer, the guidelines' verdicts, and an exit status.
    """
    with errors_told(show_traceback):
        sys.exit(_check(show_traceback=show_traceback, **settings))


def _check(
    file: Config,
    line: Config,
    targets: tuple[str, ...],
    texts: tuple[str, ...],
    flop_convention: Any,
    view: dict[str, Any],
    write_baseline: str | None,
    prune_baseline: bool,
    exit_zero: bool,
    sweeps: tuple[str, ...],
    processes: int,
    show_settings: bool,
    show_traceback: bool,
) -> int:
    if line.request.get("isolation", True) and not show_settings:
        _start_early(targets or [model.request["target"] for model in file.model])

    from mac_audit import baseline, engine, provenance, settings
    from mac_audit.reporters import reporter

    jobs = settings.jobs(file, line, targets, flop_convention)
    if sweeps and not show_settings:
        from mac_audit.cli.sweep import swept

        if write_baseline is not None or prune_baseline or line.baseline:
            raise MacAuditError("A sweep has no baseline; hold one size against it, without --sweep.")
        idle = {**{f"--{name}": True for name in view}, "--jobs": processes > 1}
        if wrong := [option for option, given in idle.items() if given]:
            raise MacAuditError(f"A sweep has nothing for {wrong[0]} to act on; leave it out.")
        return swept(jobs, sweeps, texts, line.strict or file.strict or False, forgiving=exit_zero)
    destinations, shown = outputs(texts, reporter), wanted(view)
    _timed(jobs, texts, view)
    if show_settings:
        show(provenance.shown(file, line, jobs, settings.known_rules(job.request for job in jobs)), nl=False)
        return 0
    if write_baseline is not None and prune_baseline:
        raise MacAuditError(
            "--write-baseline writes the baseline anew, so --prune-baseline has nothing to do; give one."
        )
    where = write_baseline or line.baseline or file.baseline or baseline.DEFAULT
    kept = _kept(where, write_baseline is not None, needed=bool(line.baseline or file.baseline or prune_baseline))
    try:
        audited = _audited(jobs, processes, show_traceback)
    except MacAuditError as error:  # of the only model: what reads a file finds it there, as with several
        if texts:
            write([engine.not_audited(jobs[0].request, jobs[0].name, str(error))], destinations)
        raise
    reports = _with_unused(audited)
    if write_baseline is not None:
        baseline.update(where, lambda now: baseline.recorded(now, reports))
        told(f"{where} has {_findings(reports)} findings.")
    elif kept is not None:
        comparisons = [baseline.compare(report, kept) for report in reports]
        reports = [comparison.judged for comparison in comparisons]
        if prune_baseline:
            entries = {comparison.report.name: comparison.pruned for comparison in comparisons}
            baseline.update(where, lambda now: baseline.Baseline({**now.models, **entries}))
    write(reports, destinations, **shown)
    strict = line.strict or file.strict or False
    return _status(reports, strict, forgiving=exit_zero or write_baseline is not None)


def _timed(jobs: Sequence[Job], texts: Sequence[str], view: dict[str, Any]) -> None:
    """``MacAuditError`` where what is asked for needs times and a job has no device, before anything is audited."""
    wanting = ["--sort time"] * (view.get("sort") == "time")
    wanting += ["-o chrome-trace"] * any(text.partition("=")[0] == "chrome-trace" for text in texts)
    if wanting and not all(job.request.device for job in jobs):
        raise MacAuditError(
            f"{wanting[0]} needs times; name a device with --device NAME, `mac-audit devices` lists them."
        )


def _start_early(targets: Sequence[str]) -> None:
    """Have torch imported while this process imports what judges, where one of ``targets`` will need it."""
    from mac_audit import isolation
    from mac_audit.request import is_saved

    if isolation.AVAILABLE and not all(map(is_saved, targets)):
        isolation.start()


def _status(reports: Sequence[Report], strict: bool, forgiving: bool) -> int:
    """2 where something could not be judged, which is told; else 1 where something fails."""
    for report in reports:
        for rule in report.errors:
            told(f"the rule {rule.code} crashed ({rule.reason}); report it to its author.")
        if report.error:
            told(f"{report.name}: {report.error}")
    if any(report.errors or report.error for report in reports):
        return 2
    failed = any(report.verdict == "fail" or (strict and report.totals.lower_bound) for report in reports)
    return int(failed and not forgiving)


def _kept(where: str, written: bool, needed: bool) -> Baseline | None:
    """The baseline in force, read before the audit, so that what is wrong with it is told at once."""
    from mac_audit import baseline

    if written:
        return baseline.load(where) if Path(where).exists() else None
    return baseline.load(where) if needed else None


def _findings(reports: Sequence[Report]) -> int:
    return sum(finding.suppressed is None for report in reports for finding in report.findings)


def _with_unused(audited: Sequence[Audited]) -> list[Report]:
    """The reports, with what suppressed nothing in any of them told in the first that could have used it."""
    from mac_audit.suppress import unused

    left = unused(use for entry in audited for use in entry.uses)
    reports = []
    for entry in audited:
        own = [text for text in unused(entry.uses) if text in left]
        left = [text for text in left if text not in own]
        notes = (f"unused suppression: {text}." for text in own)
        reports.append(replace(entry.report, notes=(*entry.report.notes, *notes)))
    return reports


def _audited(jobs: Sequence[Job], processes: int, show_traceback: bool) -> list[Audited]:
    """Of a single model, what is wrong is raised; of several it is in its report."""
    from mac_audit.parallel import run_all, run_one

    if len(jobs) == 1:
        with working(f"auditing {jobs[0].name}"):
            return [run_one(jobs[0])]
    with progress(len(jobs)) as done:
        return run_all(jobs, processes, lambda job: done(job.name), show_traceback)

"""``mac-audit compare``: several models beside each other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from mac_audit.cli.options import errors_told, model_options, told
from mac_audit.cli.outputs import output_option, outputs, write
from mac_audit.cli.progress import progress
from mac_audit.errors import MacAuditError, nearest

if TYPE_CHECKING:
    from mac_audit.comparison import Comparison, Predicted
    from mac_audit.job import Audited
    from mac_audit.report import Report
    from mac_audit.reporters import View

    Entry = tuple[Report, Sequence[Predicted]]

FORMATS = ("table", "json", "markdown", "csv", "html")


@click.command(name="compare")
@click.argument("sources", nargs=-1, metavar="TARGET TARGET ...")
@model_options
@click.option(
    "--device",
    "devices",
    multiple=True,
    metavar="NAME|FILE.toml|auto",
    help="Predict times for this device; may be repeated, and the first is the one that --sort time sorts by.",
)
@click.option(
    "--sort",
    type=click.Choice(["order", "time", "flops", "mac", "params"]),
    help="The least first; order is that of the command line.  [default: time with a device, else flops]",
)
@output_option("table (the default), json, markdown, csv or html")
@click.option("-j", "--jobs", "processes", type=click.IntRange(min=1), default=1, help="Models at a time.")
@click.option("--traceback", "show_traceback", is_flag=True, help="Show Python's traceback of an error.")
def compare(show_traceback: bool, **settings: Any) -> None:
    """Show models beside each other: what they cost, their verdicts, their times on every --device.

    Each is a target, a report that -o json wrote, or a network that trace saved; without any, all models of the
    configuration. Where FLOPs order the models otherwise than their times do, it says so.

    Exit status: 0, also where a model breaks a guideline: this compares, check judges. 2 where a model could not be
    audited.
    """
    with errors_told(show_traceback):
        sys.exit(_compare(show_traceback=show_traceback, **settings))


def _compare(
    sources: tuple[str, ...],
    given: dict[str, Any],
    devices: tuple[str, ...],
    sort: Any,
    texts: tuple[str, ...],
    processes: int,
    show_traceback: bool,
) -> int:
    from mac_audit.comparison import compared

    destinations = outputs(texts, _renderer)
    asked = _asked(devices)
    entries = _entries(sources, given, tuple(asked.values()), processes, show_traceback)
    if len(entries) < 2:
        raise MacAuditError(f"A comparison needs two models or more, and got {len(entries)}; name another.")
    timed = any(report.device or times for report, times in entries)
    if sort == "time" and not timed:
        raise MacAuditError("--sort time needs times; name a device with --device, `mac-audit devices` lists them.")
    write([compared(entries, sort or ("time" if timed else "flops"), tuple(asked))], destinations)
    failed = [report for report, _ in entries if report.error]
    for report in failed:
        told(f"{report.name}: {report.error}")
    return 2 if failed else 0


def _asked(devices: Sequence[str]) -> dict[str, str]:
    """What each device is called with how it was asked for. ``MacAuditError`` where two are called the same."""
    from mac_audit.device_file import find

    found: dict[str, str] = {}
    for text in devices:
        device = find(text)
        other = found.setdefault(device.name, text)
        if find(other) != device:
            raise MacAuditError(f"{other} and {text} are both called {device.name!r}; give one of them another name.")
    return found


def _entries(
    sources: tuple[str, ...], given: dict[str, Any], devices: tuple[str, ...], processes: int, show_traceback: bool
) -> list[Entry]:
    """The reports in the order of ``sources``: read where they were saved, audited where they were not."""
    from mac_audit import sides

    read = {source: found for source in sources if sides.is_saved(source) and (found := sides.saved_reports(source))}
    targets = [source for source in sources if source not in read]
    if not targets and sources:
        if given or devices:
            raise MacAuditError("All of these are saved reports; the options of a target have nothing to act on.")
        audited = {}
    else:
        audited = _audited(targets, given, devices, processes, show_traceback)
    entries: list[Entry] = []
    for source in dict.fromkeys(sources or audited):
        if source in read:
            entries += [(report, ()) for report in read[source]]
        else:
            entries.append((audited[source].report, audited[source].times))
    return entries


def _audited(
    targets: Sequence[str], given: dict[str, Any], devices: Sequence[str], processes: int, show_traceback: bool
) -> dict[str, Audited]:
    """By what was named; each in a process of its own."""
    from dataclasses import replace
    from pathlib import Path

    from mac_audit import config, settings
    from mac_audit.parallel import run_all

    path = config.find(Path.cwd())
    file = config.read(path) if path else config.Config()
    line = config.Config(request={**given, **({"device": devices[0]} if devices else {})})
    jobs = [replace(job, devices=tuple(devices[1:])) for job in settings.jobs(file, line, targets)]
    with progress(len(jobs)) as done:
        audited = run_all(jobs, processes, lambda job: done(job.name), show_traceback)
    return dict(zip(dict.fromkeys(targets) or [job.name for job in jobs], audited, strict=True))


def _renderer(name: str) -> Callable[[Sequence[Comparison], View], str]:
    if name not in FORMATS:
        raise MacAuditError(
            f"A comparison has no format {name!r}; choose one of {', '.join(FORMATS)}.{nearest(name, FORMATS)}"
        )
    render: Callable[[Sequence[Comparison], View], str] = import_module(f"mac_audit.reporters.compare_{name}").render
    return render

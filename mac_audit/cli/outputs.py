"""Where reports go: ``-o FORMAT[=FILE]``, several in one run."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mac_audit.errors import MacAuditError
from mac_audit.files import write_whole

if TYPE_CHECKING:
    from mac_audit.report import Report
    from mac_audit.reporters import Reporter

_NAME = "{name}"


@dataclass(frozen=True, slots=True)
class Output:
    """One format: a file that holds all reports, a file for each (with ``{name}`` in it), or standard output."""

    render: Reporter
    file: str = ""

    def files(self, names: Sequence[str]) -> list[str]:
        """The file of each model; all the same where one file holds all."""
        return [self.file.replace(_NAME, re.sub(r"[^\w.-]+", "-", name)) for name in names]


def outputs(texts: Sequence[str]) -> list[Output]:
    """Read ``-o`` options; at most one of them goes to standard output."""
    from mac_audit.reporters import reporter

    found = [Output(reporter(name), file) for name, _, file in (text.partition("=") for text in texts)]
    if sum(not output.file for output in found) > 1:
        raise MacAuditError("Two formats go to standard output; give all but one a file, as in -o json=report.json.")
    return found


def write(reports: Sequence[Report], found: Sequence[Output], depth: int | None, sort: Any) -> None:
    """Render ``reports`` in each format, the files first."""
    from mac_audit.reporters import View

    for output in sorted(found, key=lambda output: not output.file):
        if not output.file:
            view = View(shutil.get_terminal_size().columns, colored(), depth, sort)
            click.echo(output.render(reports, view), nl=False, color=view.color)
            continue
        by_file: dict[str, list[Report]] = {}
        for report, file in zip(reports, output.files([report.name for report in reports]), strict=True):
            by_file.setdefault(file, []).append(report)
        for file, own in by_file.items():
            if _NAME in output.file and len(own) > 1:
                names = " and ".join(report.name for report in own)
                raise MacAuditError(f"The reports of {names} would both be {file}; give the models other names.")
            write_whole(Path(file), output.render(own, View(width=100, depth=depth, sort=sort)))


def colored() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

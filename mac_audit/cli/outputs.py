"""Where reports go: ``-o FORMAT[=FILE]``, several in one run."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mac_audit.cli.standard_output import encodable, show
from mac_audit.errors import MacAuditError
from mac_audit.files import write_whole

if TYPE_CHECKING:
    from mac_audit.reporters import View

    Render = Callable[[Sequence[Any], View], str]  # of reports, or of diffs: what has the name of a model

_NAME = "{name}"
_NARROWEST = 40  # columns: with fewer a terminal breaks the lines


def output_option(formats: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``-o``, which a command receives as ``texts`` and reads with ``outputs``; ``formats`` are those that it has."""
    return click.option(
        "-o",
        "--output",
        "texts",
        multiple=True,
        metavar="FORMAT[=FILE]",
        help=f"{formats}: to standard output or a file; may be repeated. {_NAME} in FILE is the model's.",
    )


@dataclass(frozen=True, slots=True)
class Output:
    """One format: a file that holds all reports, a file for each (with ``{name}`` in it), or standard output."""

    render: Render
    file: str = ""

    def files(self, names: Sequence[str]) -> list[str]:
        """The file of each model; all the same where one file holds all."""
        return [self.file.replace(_NAME, re.sub(r"[^\w.-]+", "-", name)) for name in names]


def outputs(texts: Sequence[str], find: Callable[[str], Render]) -> list[Output]:
    """Read ``-o`` options, a table without any; at most one goes to standard output. ``find`` knows the formats."""
    named = (text.partition("=") for text in texts or ("table",))
    found = [Output(find(name), file) for name, _, file in named]
    if sum(not output.file for output in found) > 1:
        raise MacAuditError("Two formats go to standard output; give all but one a file, as in -o json=report.json.")
    return found


def write(shown: Sequence[Any], found: Sequence[Output], **wanted: Any) -> None:
    """Render reports or diffs in each format, the files first; ``wanted`` is what else a ``View`` holds."""
    from mac_audit.reporters import View

    for output in sorted(found, key=lambda output: not output.file):
        if not output.file:
            view = View(_width(), _colored(), **wanted)
            show(output.render(shown, view), nl=False, color=view.color)
            continue
        by_file: dict[str, list[Any]] = {}
        for one, file in zip(shown, output.files([one.name for one in shown]), strict=True):
            by_file.setdefault(file, []).append(one)
        for file, own in by_file.items():
            if _NAME in output.file and len(own) > 1:
                names = " and ".join(one.name for one in own)
                raise MacAuditError(f"What is told of {names} would both be {file}; give the models other names.")
            write_whole(Path(file), output.render(own, View(width=100, **wanted)))


def _width() -> int:
    """Of the terminal, or 80; where arrows are spelled in ASCII some lines become longer by a character or two."""
    columns = max(shutil.get_terminal_size().columns, _NARROWEST)
    return columns if encodable("→") else columns - 4


def _colored() -> bool:
    """As NO_COLOR or else FORCE_COLOR wants; without them on a terminal that can."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"

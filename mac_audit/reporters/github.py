"""Annotations of a pull request: workflow commands of GitHub Actions, one for each line to edit.

GitHub shows ten errors, ten warnings and ten notices of a step; places that one line made are therefore told
together. ``-o markdown`` is for the step summary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mac_audit.report import Line, Report, Severity
from mac_audit.reporters import View
from mac_audit.reporters.escape import clean, github_message, github_property
from mac_audit.reporters.problems import by_line, line_of, places, problems, start_of, told, troubles

_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "note": "notice"}


def render(reports: Sequence[Report], view: View) -> str:
    """A line for each annotation; nothing where there is nothing to tell."""
    del view
    return "".join(f"{line}\n" for report in reports for line in _lines(clean(report)))


def _lines(report: Report) -> Iterator[str]:
    names = {rule.code: rule.name for rule in report.rules}
    for findings in by_line(problems(report)):
        worst = findings[0]
        title = f"{worst.code} {names.get(worst.code, '')}: {places(findings)}"
        yield _command(worst.severity, line_of(worst, report), title, "\n".join(told(findings)))
    for trouble in troubles(report):
        line = trouble.lines[0] if trouble.lines else start_of(report)
        yield _command(trouble.severity, line, f"mac-audit: {trouble.kind}", trouble.message)


def _command(severity: Severity, line: Line | None, title: str, message: str) -> str:
    place = {"file": line.file, "line": str(line.line)} if line else {}
    properties = {**place, "title": title}
    told_as = ",".join(f"{name}={github_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[severity]} {told_as}::{github_message(message)}"

"""Several models at a glance: a line each, with its verdict, its cost and the rules that fail."""

from __future__ import annotations

from collections.abc import Sequence

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mac_audit.report import Report, RuleResult
from mac_audit.units import at_least, count

_STYLES = {"pass": "green", "fail": "bold red", "error": "bold magenta"}


def overview(reports: Sequence[Report]) -> Padding:
    """The table; ``findings`` are those that count."""
    table = Table.grid(padding=(0, 2))
    titles = ("", "model", "params", "madds", "MAC", "findings", "suppressed", "rules that fail")
    for title in titles:
        table.add_column(justify="left" if title in ("", "model", titles[-1]) else "right")
    table.add_row(*titles, style="dim")
    for report in reports:
        totals = report.totals
        silent = sum(finding.suppressed is not None for finding in report.findings)
        figures = (
            ["–"] * 5
            if report.error
            else [
                count(totals.params),
                at_least(totals.madds, totals.lower_bound),
                count(totals.mac_elements),
                str(len(report.findings) - silent),
                str(silent),
            ]
        )
        failing = [rule for rule in report.rules if rule.verdict == "fail"]
        table.add_row(
            Text(report.verdict, style=_STYLES[report.verdict]), report.name, *figures, ", ".join(map(weighed, failing))
        )
    return Padding(table, (0, 0, 0, 2))


def weighed(rule: RuleResult) -> str:
    """A rule's code, with its severity where that is not error."""
    return rule.code if rule.severity == "error" else f"{rule.code} ({rule.severity})"

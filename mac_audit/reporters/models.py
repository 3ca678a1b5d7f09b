"""Several models at a glance: a line each, with its verdict, its cost and the rules that fail."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from mac_audit.report import Report, RuleResult
from mac_audit.reporters.terminal import STYLES, Cell, Column, fitted
from mac_audit.units import at_least, count


def overview(reports: Sequence[Report], width: int) -> Text:
    """The table; ``findings`` are those that count."""
    columns = [
        Column("", right=False),
        Column("model", right=False, least=14),
        Column("params", 5),
        Column("madds", 4),
        Column("MAC", 2),
        Column("findings", 3),
        Column("suppressed", 6),
        Column("rules that fail", 1, right=False, least=8),
    ]
    rows: list[list[Cell]] = []
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
        failing = ", ".join(weighed(rule) for rule in report.rules if rule.verdict == "fail")
        rows.append([Text(report.verdict, style=STYLES[report.verdict]), report.name, *figures, failing])
    return fitted(columns, rows, width)


def weighed(rule: RuleResult) -> str:
    """A rule's code, with its severity where that is not error."""
    return rule.code if rule.severity == "error" else f"{rule.code} ({rule.severity})"

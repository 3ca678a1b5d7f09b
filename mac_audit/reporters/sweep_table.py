"""A sweep for a terminal: a line a point, with its cost and what each rule measures there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from mac_audit.report import Report, RuleResult
from mac_audit.reporters import View
from mac_audit.reporters.escape import clean
from mac_audit.reporters.terminal import STYLES, Cell, Column, fitted, printed
from mac_audit.sweep import Size, Sweep
from mac_audit.units import count, duration, size


def render(sweeps: Sequence[Sweep], view: View) -> str:
    """Each sweep's table below the other's."""
    return printed((part for sweep in sweeps for part in _parts(sweep, view.width)), view)


def _parts(sweep: Sweep, width: int) -> Iterator[RenderableType]:
    reports = [point.report for point in sweep.points if point.report is not None]
    first = reports[0]
    timed = first.totals.predicted_ms is not None
    codes = [rule.code for rule in first.rules]
    names = [axis.name for axis in sweep.axes]
    yield Text.assemble((clean(sweep.name), "bold"), f"  {count(first.totals.params)} parameters")
    columns = [
        *map(Column, names),
        Column("madds", 3),
        Column("MAC", 2),
        Column("bytes", 4),
        *([Column("time")] if timed else []),
        *(Column(code, 1) for code in codes),
    ]
    rows: list[list[Cell]] = []
    failed: list[str] = []
    for point in sweep.points:
        sizes = [_told(point.sizes[name]) for name in names]
        if point.report is None:
            failed.append(
                f"{', '.join(f'{name} {told}' for name, told in zip(names, sizes, strict=True))}: {point.error}"
            )
            rows.append([*sizes, *["–"] * (3 + timed + len(codes))])
            continue
        totals, rules = point.report.totals, {rule.code: rule for rule in point.report.rules}
        row: list[Cell] = [
            *sizes,
            ("≥ " if totals.lower_bound else "") + count(totals.madds),
            count(totals.mac_elements),
            size(totals.mac_bytes),
        ]
        row += [duration(totals.predicted_ms or 0)] if timed else []
        row += [_value(rules[code]) for code in codes]
        rows.append(row)
    yield fitted(columns, rows, width)
    yield Text("".join(f"\n{clean(text)}" for text in failed), style=STYLES["error"]) if failed else Text()
    yield Text("\n".join(_legend(first)), style="dim")


def _told(value: Size) -> str:
    return "×".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _value(rule: RuleResult) -> Text:
    if rule.value is None:
        return Text("–" if rule.verdict == "not-applicable" else rule.verdict)
    fails = rule.verdict == "fail"
    return Text(f"{rule.value:.3f}{'!' if fails else ' '}", style=STYLES["fail"] if fails else "")


def _legend(report: Report) -> Iterator[str]:
    yield "! breaks the rule; – has nothing that it judges."
    yield "madds: multiply-adds. MAC: memory access cost in elements."
    yield f"{report.conventions['execution']}."

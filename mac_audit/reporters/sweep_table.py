"""A sweep for a terminal: a line a point, with its cost and what each rule measures there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from mac_audit.report import Report, RuleResult
from mac_audit.reporters import View
from mac_audit.reporters.escape import clean
from mac_audit.reporters.terminal import grid, printed
from mac_audit.sweep import Size, Sweep
from mac_audit.units import count, duration, size


def render(sweeps: Sequence[Sweep], view: View) -> str:
    """Each sweep's table below the other's."""
    return printed((part for sweep in sweeps for part in _parts(sweep)), view)


def _parts(sweep: Sweep) -> Iterator[RenderableType]:
    reports = [point.report for point in sweep.points if point.report is not None]
    first = reports[0]
    timed = first.totals.predicted_ms is not None
    codes = [rule.code for rule in first.rules]
    names = [axis.name for axis in sweep.axes]
    yield Text.assemble((clean(sweep.name), "bold"), f"  {count(first.totals.params)} parameters")
    table = grid(*(["right"] * (len(names) + 3 + timed + len(codes))))
    table.add_row(*names, "madds", "MAC", "bytes", *["time"] * timed, *codes, style="dim")
    failed: list[str] = []
    for point in sweep.points:
        sizes = [_told(point.sizes[name]) for name in names]
        if point.report is None:
            failed.append(
                f"{', '.join(f'{name} {told}' for name, told in zip(names, sizes, strict=True))}: {point.error}"
            )
            table.add_row(*sizes, *["–"] * (3 + timed + len(codes)))
            continue
        totals, rules = point.report.totals, {rule.code: rule for rule in point.report.rules}
        table.add_row(
            *sizes,
            ("≥ " if totals.lower_bound else "") + count(totals.madds),
            count(totals.mac_elements),
            size(totals.mac_bytes),
            *([duration(totals.predicted_ms)] if timed and totals.predicted_ms is not None else []),
            *(_value(rules[code]) for code in codes),
        )
    yield Padding(table, (0, 0, 0, 2))
    yield Text("".join(f"\n{clean(text)}" for text in failed), style="bold magenta") if failed else Text()
    yield Text("\n".join(_legend(first)), style="dim")


def _told(value: Size) -> str:
    return "×".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _value(rule: RuleResult) -> Text:
    if rule.value is None:
        return Text("–" if rule.verdict == "not-applicable" else rule.verdict)
    fails = rule.verdict == "fail"
    return Text(f"{rule.value:.3f}{'!' if fails else ' '}", style="bold red" if fails else "")


def _legend(report: Report) -> Iterator[str]:
    yield "! breaks the rule; – has nothing that it judges."
    yield "madds: multiply-adds. MAC: memory access cost in elements."
    yield f"{report.conventions['execution']}."

"""The report for a terminal: totals, where the cost goes, layers, verdicts, findings, what is not known.

Figures of layers include the layers inside them; sorted by cost, the table lists each layer with what it costs
alone, so that the column adds up to the total.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rich.console import RenderableType
from rich.text import Text

from mac_audit.report import DeviceInfo, Report, RuleResult
from mac_audit.reporters import View
from mac_audit.reporters.escape import clean
from mac_audit.reporters.findings import findings, one_liners, summary
from mac_audit.reporters.inputs import listed
from mac_audit.reporters.layer_table import layers
from mac_audit.reporters.models import overview, weighed
from mac_audit.reporters.problems import measured, suppressed
from mac_audit.reporters.terminal import STYLES, Cell, Column, bar, explained, fitted, heading, printed
from mac_audit.units import at_least, count, duration, percent, size

_UNBROKEN = 10_000  # columns: a line is one for programs that read lines


def render(reports: Sequence[Report], view: View) -> str:
    """The reports as text that is ``view.width`` wide, with ANSI colours where ``view.color``.

    Of several models, a line each, and what is to be said of those that are not clean; of one, or with
    ``view.detail`` verbose of each, everything.
    """
    cleaned = [clean(report) for report in reports]
    if view.detail == "quiet":
        unbroken = replace(view, width=_UNBROKEN)
        return printed((part for report in cleaned for part in _quiet(report, several=len(cleaned) > 1)), unbroken)
    return printed(_parts(cleaned[0], view) if len(cleaned) == 1 else _several(cleaned, view), view)


def _quiet(report: Report, several: bool) -> Iterator[RenderableType]:
    yield from one_liners(report)
    verdict = Text(f"error: {report.error}", style=STYLES["error"]) if report.error else _summary(report)
    yield Text.assemble(f"{report.name}: " if several else "", verdict)


def _parts(report: Report, view: View) -> Iterator[RenderableType]:
    yield _title(report)
    if report.error:
        yield Text(f"  {report.error}", style=STYLES["error"])
        return
    yield _totals(report, view)
    yield heading("Where it goes", f"memory access{' and time' if report.device else ''} by class of operator")
    yield _classes(report, view)
    yield from layers(report, view)
    if report.rules:
        yield heading("Guidelines", "ShuffleNet V2, ECCV 2018")
        yield _verdicts(report.rules, view)
    yield from findings(report, view)
    yield from _unknown(report)
    yield Text()
    yield Text("\n".join(_legend(report)), style="dim")
    yield Text()
    yield _summary(report)


def _several(reports: Sequence[Report], view: View) -> Iterator[RenderableType]:
    yield heading("Models", first=True)
    yield overview(reports, view.width)
    for report in reports:
        if view.detail == "verbose":
            yield Text()
            yield from _parts(report, view)
        elif report.verdict != "pass" or report.findings or report.notes or report.coverage.unknown:
            yield Text()
            yield _title(report)
            if report.error:
                yield Text(f"  {report.error}", style=STYLES["error"])
                continue
            failing = [rule for rule in report.rules if rule.verdict in ("fail", "error")]
            if failing:
                yield _verdicts(failing, view)
            yield from findings(report, view)
            yield from _unknown(report)
            if report.notes:
                yield Text("".join(f"\n{note}" for note in report.notes), style="dim")
    counts = Counter(report.verdict for report in reports)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("pass", "fail", "error") if counts[verdict])
    yield Text(f"\n{len(reports)} models: {told}; mac-audit NAME has all of one.", style="bold")


def _title(report: Report) -> Text:
    target = f"  {report.target}" if report.name != report.target else ""
    return Text.assemble((report.name, "bold"), f"{target}  {listed(report.inputs)}".rstrip())


def _totals(report: Report, view: View) -> RenderableType:
    totals = report.totals
    factor = "= 2 × multiply-adds" if report.flop_convention == "torch" else "= multiply-adds"
    missing = ", a lower bound" if totals.lower_bound else ""
    unknown = sum(entry.count for entry in report.coverage.unknown)
    rows = [
        (("parameters", count(totals.params)), ""),
        (("FLOPs", at_least(totals.flops, totals.lower_bound)), factor + missing),
        (
            ("memory access (MAC)", count(totals.mac_elements)),
            f"elements, {size(totals.mac_bytes)}: {count(totals.reads_activation)} activations and"
            f" {count(totals.reads_weight)} weights read, {count(totals.writes)} written",
        ),
        (
            ("operators", count(totals.operators)),
            f"{report.coverage.exact} exact, {unknown} unknown; {report.coverage.free} free ones not counted",
        ),
    ]
    if report.device is not None and totals.predicted_ms is not None:
        rate = count(1000 / totals.predicted_ms, "runs/s") if totals.predicted_ms else "no time"
        bound = next((f", {row.bound}-bound for the most part" for row in report.layers if row.bound), "")
        time = ("≥ " if totals.lower_bound else "") + duration(totals.predicted_ms)
        rows.append((("predicted time", time), f"on {report.device.name}: {rate}{bound}"))
    return explained(rows, view.width, ("left", "right"))


def _classes(report: Report, view: View) -> RenderableType:
    timed = report.totals.predicted_ms is not None
    columns = [
        Column("class", right=False, least=12),
        Column("", 4, right=False, least=8, most=40),
        Column("of MAC"),
        Column("MAC"),
        Column("madds", 2),
        Column("operators", 3),
        *([Column("time", 1), Column("of time", 1), Column("", 5, right=False, least=8, most=30)] if timed else []),
    ]
    rows: list[list[Cell]] = []
    total = max(report.totals.mac_elements, 1)
    for name, cost in sorted(report.classes.items(), key=lambda item: -item[1].mac_elements):
        share = cost.mac_elements / total
        row: list[Cell] = [
            name,
            bar(share),
            percent(share),
            count(cost.mac_elements),
            at_least(cost.madds, cost.lower_bound),
        ]
        row.append(count(cost.operators))
        if timed:
            ms = cost.predicted_ms or 0
            spent = ms / (report.totals.predicted_ms or 1)
            row += [duration(ms) if ms else "–", percent(spent) if ms else "–", bar(spent)]
        rows.append(row)
    return fitted(columns, rows, view.width)


def _verdicts(rules: Sequence[RuleResult], view: View) -> RenderableType:
    rows = []
    for rule in rules:
        verdict = Text("n/a" if rule.verdict == "not-applicable" else rule.verdict, style=_style(rule))
        prose = "; ".join(filter(None, (rule.measure, rule.reason)))
        if view.detail == "verbose" and (why := summary(rule.help)):
            prose += f" ({why})"
        rows.append(((verdict, rule.code, rule.name, *_compared(rule)), prose))
    return explained(rows, view.width, ("left", "left", "left", "right", "left"))


def _style(rule: RuleResult) -> str:
    return STYLES[rule.severity if rule.verdict == "fail" else rule.verdict]


def _compared(rule: RuleResult) -> tuple[str, str]:
    """Value and limit, as ``0.358`` and ``> 0.05``."""
    value, limit = measured(rule)
    if not value or rule.value is None or rule.limit is None:
        return "", ""
    return value, f"{'>' if rule.value > rule.limit else '≤'} {limit}"


def _unknown(report: Report) -> Iterator[RenderableType]:
    if not report.coverage.unknown:
        return
    yield heading("Unknown operators", "their arithmetic is not counted, or not all: totals are a lower bound")
    for entry in report.coverage.unknown:
        lines = ", ".join(f"{line.file}:{line.line}" for line in entry.sources[:3])
        yield Text(f"  {entry.target} ×{entry.count}  {lines}")


def _legend(report: Report) -> Iterable[str]:
    yield report.conventions["flops"] + "."
    yield report.conventions["mac"] + "."
    yield report.conventions["execution"] + "."
    capture = report.capture
    yield f"captured on {capture['method']}; {capture['construction']}; {capture['inputs']}; torch {capture['torch']}."
    yield from (f"{capture[name].rstrip('.')}." for name in ("fallback", "assumed") if name in capture)
    if report.device is not None:
        yield _device(report.device)
    yield from report.notes


def _device(device: DeviceInfo) -> str:
    error = f"; error {percent(device.error)} on data that was held out" if device.error is not None else ""
    return f"times on {device.name}: {device.source}{error}."


def _summary(report: Report) -> Text:
    """``fail: G1, G2``, with the severity of what does not fail the audit."""
    if report.errors:
        return Text(
            f"error: {', '.join(rule.code for rule in report.errors)} could not be judged",
            style=STYLES["error"],
        )
    unknown = sum(entry.count for entry in report.coverage.unknown)
    bound = f"; FLOPs are a lower bound, {unknown} unknown operator{'s' * (unknown > 1)}" if unknown else ""
    failed = [rule for rule in report.rules if rule.verdict == "fail"]
    told = ", ".join(map(weighed, failed))
    if report.verdict == "fail":
        return Text(f"fail: {told}{bound}", style=STYLES["fail"])
    if failed:
        return Text(f"pass: {told}, which fail on {report.fail_on} does not count{bound}", style=STYLES["warning"])
    counts = " that count" if suppressed(report) else ""
    return Text(f"pass: no findings{counts}{bound}", style=STYLES["pass"])

"""The report for a terminal: totals, where the cost goes, layers, verdicts, findings, what is not known.

Figures of layers include the layers inside them; sorted by cost, the table lists each layer with what it costs
alone, so that the column adds up to the total.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mac_audit.report import DeviceInfo, Finding, LayerRow, Report, RuleResult
from mac_audit.reporters import View
from mac_audit.reporters.escape import clean
from mac_audit.reporters.inputs import listed
from mac_audit.reporters.models import overview, weighed
from mac_audit.reporters.problems import by_line, line_named, measured, places, problems, suppressed, told
from mac_audit.reporters.terminal import grid, heading, printed
from mac_audit.units import at_least, count, duration, percent, shape, size

# With multiply-adds, memory access, parameters and milliseconds to show.
Entry = tuple[LayerRow, int, int, int, float | None]

_LINES = 6  # of code that the table names for one rule
_ROWS = 40  # layers that a table shows where no depth was asked for
_STYLES = {"pass": "green", "fail": "bold red", "not-applicable": "dim", "error": "bold magenta"}


def render(reports: Sequence[Report], view: View) -> str:
    """The reports as text that is ``view.width`` wide, with ANSI colours where ``view.color``.

    Of several models, a line each, and what is to be said of those that are not clean; of one, everything.
    """
    cleaned = [clean(report) for report in reports]
    parts = _parts(cleaned[0], view) if len(cleaned) == 1 else _several(cleaned)
    return printed(parts, view)


def _parts(report: Report, view: View) -> Iterator[RenderableType]:
    yield _title(report)
    if report.error:
        yield Text(f"  {report.error}", style=_STYLES["error"])
        return
    yield _totals(report)
    yield heading("Where it goes", f"memory access{' and time' if report.device else ''} by class of operator")
    yield _classes(report, view)
    yield from _layers(report, view)
    yield heading("Guidelines", "ShuffleNet V2, ECCV 2018")
    yield _verdicts(report.rules)
    yield from _findings(report)
    yield from _unknown(report)
    yield Text()
    yield Text("\n".join(_legend(report)), style="dim")
    yield Text()
    yield _summary(report)


def _several(reports: Sequence[Report]) -> Iterator[RenderableType]:
    yield heading("Models", first=True)
    yield overview(reports)
    for report in reports:
        if report.verdict != "pass" or report.findings or report.notes or report.coverage.unknown:
            yield Text()
            yield _title(report)
            if report.error:
                yield Text(f"  {report.error}", style=_STYLES["error"])
            else:
                failing = [rule for rule in report.rules if rule.verdict in ("fail", "error")]
                if failing:
                    yield _verdicts(failing)
                yield from _findings(report)
                yield from _unknown(report)
                if report.notes:
                    yield Text("".join(f"\n{note}" for note in report.notes), style="dim")
    counts = Counter(report.verdict for report in reports)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("pass", "fail", "error") if counts[verdict])
    yield Text(f"\n{len(reports)} models: {told}; mac-audit NAME has all of one.", style="bold")


def _title(report: Report) -> Text:
    target = f"  {report.target}" if report.name != report.target else ""
    return Text.assemble((report.name, "bold"), f"{target}  {listed(report.inputs)}".rstrip())


def _totals(report: Report) -> RenderableType:
    totals = report.totals
    table = grid("left", "right", "left")
    table.add_row("parameters", count(totals.params), "")
    factor = "= 2 × multiply-adds" if report.flop_convention == "torch" else "= multiply-adds"
    missing = ", a lower bound" if totals.lower_bound else ""
    table.add_row("FLOPs", at_least(totals.flops, totals.lower_bound), factor + missing)
    table.add_row(
        "memory access (MAC)",
        count(totals.mac_elements),
        f"elements, {size(totals.mac_bytes)}: {count(totals.reads_activation)} activations and"
        f" {count(totals.reads_weight)} weights read, {count(totals.writes)} written",
    )
    unknown = sum(entry.count for entry in report.coverage.unknown)
    table.add_row(
        "operators",
        count(totals.operators),
        f"{report.coverage.exact} exact, {unknown} unknown; {report.coverage.free} free ones not counted",
    )
    if report.device is not None and totals.predicted_ms is not None:
        rate = count(1000 / totals.predicted_ms, "runs/s") if totals.predicted_ms else "no time"
        bound = next((f", {row.bound}-bound for the most part" for row in report.layers if row.bound), "")
        time = ("≥ " if totals.lower_bound else "") + duration(totals.predicted_ms)
        table.add_row("predicted time", time, f"on {report.device.name}: {rate}{bound}")
    return Padding(table, (0, 0, 0, 2))


def _bar(share: float, width: int) -> Text:
    eighths = round(share * width * 8)
    return Text("█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip(), style="cyan")


def _classes(report: Report, view: View) -> RenderableType:
    timed = ("time", "of time") if report.device else ()
    bars = 16 if view.width < 100 else 30
    if timed and view.width < 100:
        bars = 0  # no room
    table = grid("left", *("left",) * bool(bars), *("right",) * (4 + len(timed)))
    heads = ("share of MAC", "") if bars else ("of MAC",)
    table.add_row("class", *heads, "MAC", "madds", "operators", *timed, style="dim")
    total = max(report.totals.mac_elements, 1)
    for name, cost in sorted(report.classes.items(), key=lambda item: -item[1].mac_elements):
        share = cost.mac_elements / total
        table.add_row(
            name,
            *((_bar(share, bars),) if bars else ()),
            percent(share),
            count(cost.mac_elements),
            at_least(cost.madds, cost.lower_bound),
            count(cost.operators),
            *_time(cost.predicted_ms, report.totals.predicted_ms),
        )
    return Padding(table, (0, 0, 0, 2))


def _time(ms: float | None, of: float | None) -> tuple[str, ...]:
    """A time and its share of the whole, where a device is named."""
    if ms is None or of is None:
        return ()
    return (duration(ms), percent(ms / of)) if ms else ("–", "–")


def _layers(report: Report, view: View) -> Iterator[RenderableType]:
    depth = view.depth if view.depth is not None else _short_depth(report)
    deepest = max((row.depth for row in report.layers), default=0)
    folded = f"depth {depth} of {deepest}" if depth < deepest else "all of them"
    if view.sort == "order":
        yield heading("Layers", f"{folded}; figures include the layers inside")
        entries = [_inclusive(row) for row in report.layers if 0 < row.depth <= depth and (row.calls or row.params)]
    else:
        yield heading("Layers", f"{folded}; most {view.sort} first, adding up to the whole")
        entries = sorted(_disjoint(report, depth), key=_costliest(view.sort))
    total = max(report.totals.mac_elements, 1)
    timed = ("time",) if report.device else ()
    cells = [("  layer", "type", "output", "params", "madds", "MAC", "of MAC", *timed)]
    for row, madds, access, params, ms in entries:
        name = row.path.rpartition(".")[2] if view.sort == "order" else row.path
        alone = view.sort != "order" and row.depth < depth
        cells.append(
            (
                "  " * (row.depth if view.sort == "order" else 1) + (name or "(the model itself)"),
                row.type + (f" ×{row.calls}" if row.calls > 1 else ""),
                shape(row.output_shapes[0]) if row.output_shapes else "",
                count(params) if params else "–",
                at_least(madds, row.own.lower_bound if alone else row.lower_bound),
                count(access) if access else "–",
                percent(access / total) if access else "–",
                *_time(ms, ms)[:1],
            )
        )
    table = Table.grid(padding=(0, 2, 0, 0))
    widths = _widths(cells, view.width, paths=view.sort != "order")
    if view.sort != "order":
        cells = [cells[0], *((_ending(row_cells[0], widths[0]), *row_cells[1:]) for row_cells in cells[1:])]
    for index, width in enumerate(widths):
        table.add_column(width=width, no_wrap=True, overflow="ellipsis", justify="left" if index < 3 else "right")
    for index, row_cells in enumerate(cells):
        table.add_row(*row_cells, style="" if index else "dim")
    yield table


def _ending(name: str, width: int) -> str:
    """Of a path that is too long its end, which tells it from the others."""
    return name if len(name) <= width else f"  …{name[3 - width :]}"


def _costliest(sort: str) -> Callable[[Entry], float]:
    return lambda entry: -{"madds": entry[1], "mac": entry[2], "params": entry[3], "time": entry[4] or 0}[sort]


def _widths(cells: Sequence[tuple[str, ...]], width: int, paths: bool) -> list[int]:
    """Numbers whole; what is left goes to shape, path and type, which are cut where it does not suffice.

    Of whole ``paths`` nothing else in the table tells what is cut, so that the type gives way to them.
    """
    natural = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    left = width - sum(natural[3:]) - 2 * len(natural)
    output = min(natural[2], max(left // 4, 11))
    kind = min(natural[1], max(left - output - natural[0], 0 if paths else (left - output) * 2 // 5))
    return [max(min(natural[0], left - output - kind), 8), max(kind, 4), output, *natural[3:]]


def _inclusive(row: LayerRow) -> Entry:
    return row, row.madds, row.mac_elements, row.params, row.predicted_ms


def _disjoint(report: Report, depth: int) -> Iterator[Entry]:
    """Layers at ``depth`` with all inside them, shallower ones with their own operators: it adds up."""
    for row in report.layers:
        if row.depth == depth:
            yield _inclusive(row)
        elif row.depth < depth and (row.own.operators or row.own_params):
            yield row, row.own.madds, row.own.mac_elements, row.own_params, row.own.predicted_ms


def _short_depth(report: Report) -> int:
    """The greatest depth at which the table keeps to ``_ROWS`` rows, at least one."""
    depths = sorted(row.depth for row in report.layers)
    return max([1, *(depth for depth in set(depths) if sum(d <= depth for d in depths) <= _ROWS)])


def _verdicts(rules: Sequence[RuleResult]) -> RenderableType:
    table = grid("left", "left", "left", "right", "left")
    for rule in rules:
        table.add_row(
            Text("n/a" if rule.verdict == "not-applicable" else rule.verdict, style=_STYLES[rule.verdict]),
            rule.code,
            rule.name,
            *_value_and_explanation(rule),
        )
    return Padding(table, (0, 0, 0, 2))


def _value_and_explanation(rule: RuleResult) -> tuple[str, str]:
    value, limit = measured(rule)
    explained = (f"limit {limit}: {rule.measure}" if limit else "", rule.reason)
    return value, "; ".join(filter(None, explained))


def _findings(report: Report) -> Iterator[RenderableType]:
    lines = by_line(problems(report))
    if lines:
        yield heading("Findings", "what to mend, worst first")
    shown: Counter[str] = Counter()
    of_rule = Counter(findings[0].code for findings in lines)
    for findings in lines:
        code = findings[0].code
        shown[code] += 1
        if shown[code] <= _LINES:
            yield _told(findings)
        elif shown[code] == of_rule[code]:
            yield Text(
                f"  {code}  … and more: {of_rule[code] - _LINES} of {of_rule[code]} lines are in -o json", style="dim"
            )
    if reasons := Counter(finding.suppressed.by for finding in suppressed(report) if finding.suppressed):
        yield Text(f"\n  suppressed: {', '.join(f'{n} by {by}' for by, n in sorted(reasons.items()))}", style="dim")


def _told(findings: Sequence[Finding]) -> RenderableType:
    worst = findings[0]
    rows = grid("left", "left")
    rows.add_row(
        Text(f"  {worst.code}", style="bold red"),
        Text.assemble((places(findings), "bold"), f"  {line_named(findings)}"),
    )
    for text in told(findings):
        rows.add_row("", text)
    return rows


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
    error = f"; error to expect {percent(device.error)}" if device.error is not None else ""
    return f"times on {device.name}: {device.source}{error}."


def _summary(report: Report) -> Text:
    """``fail: G1, G2``, with the severity of what does not fail the audit."""
    if report.errors:
        return Text(
            f"error: {', '.join(rule.code for rule in report.errors)} could not be judged",
            style="bold magenta",
        )
    unknown = sum(entry.count for entry in report.coverage.unknown)
    bound = f"; FLOPs are a lower bound, {unknown} unknown operator{'s' * (unknown > 1)}" if unknown else ""
    failed = [rule for rule in report.rules if rule.verdict == "fail"]
    told = ", ".join(map(weighed, failed))
    if report.verdict == "fail":
        return Text(f"fail: {told}{bound}", style="bold red")
    if failed:
        return Text(f"pass: {told}, which fail on {report.fail_on} does not count{bound}", style="yellow")
    counts = " that count" if suppressed(report) else ""
    return Text(f"pass: no findings{counts}{bound}", style="green")

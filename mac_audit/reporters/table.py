"""The report for a terminal: totals, where the cost goes, layers, verdicts, findings, what is not known.

Figures of layers include the layers inside them; sorted by cost, the table lists each layer with what it costs
alone, so that the column adds up to the total.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mac_audit.report import Finding, LayerRow, Line, Report, RuleResult
from mac_audit.reporters import View, inputs
from mac_audit.units import count, percent, shape, size

Entry = tuple[LayerRow, int, int, int]  # with multiply-adds, memory access and parameters to show

_LINES = 6  # of code that the table names for one rule
_ROWS = 40  # layers that a table shows where no depth was asked for
_STYLES = {"pass": "green", "fail": "bold red", "not-applicable": "dim", "error": "bold magenta"}


def render(report: Report, view: View) -> str:
    """The whole report as text that is ``view.width`` wide, with ANSI colours where ``view.color``."""
    console = Console(
        file=io.StringIO(),
        width=view.width,
        force_terminal=view.color,
        color_system="standard" if view.color else None,
        highlight=False,
        emoji=False,
        markup=False,
    )
    for part in _parts(report, view):
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _parts(report: Report, view: View) -> Iterator[RenderableType]:
    yield Text.assemble((report.target, "bold"), "  ", inputs.told(report.inputs))
    yield _totals(report)
    yield _heading("Where it goes", "memory access by class of operator")
    yield _classes(report, view)
    yield from _layers(report, view)
    yield _heading("Guidelines", "ShuffleNet V2, ECCV 2018")
    yield _verdicts(report)
    yield from _findings(report)
    yield from _unknown(report)
    yield Text()
    yield Text("\n".join(_legend(report)), style="dim")
    yield Text()
    yield _summary(report)


def _heading(title: str, explanation: str) -> Text:
    return Text.assemble("\n", (title, "bold"), (f"  {explanation}" if explanation else "", "dim"))


def _grid(*justify: str) -> Table:
    table = Table.grid(padding=(0, 2))
    for side in justify:
        table.add_column(justify=side)  # type: ignore[arg-type]
    return table


def _totals(report: Report) -> RenderableType:
    totals = report.totals
    at_least = "≥ " if totals.lower_bound else ""
    table = _grid("left", "right", "left")
    table.add_row("parameters", count(totals.params), "")
    factor = "= 2 × multiply-adds" if report.flop_convention == "torch" else "= multiply-adds"
    table.add_row("FLOPs", at_least + count(totals.flops), factor)
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
    return Padding(table, (0, 0, 0, 2))


def _bar(share: float, width: int) -> Text:
    eighths = round(share * width * 8)
    return Text("█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip(), style="cyan")


def _classes(report: Report, view: View) -> RenderableType:
    table = _grid("left", "left", "right", "right", "right", "right")
    table.add_row("class", "share of MAC", "", "MAC", "madds", "operators", style="dim")
    width = 16 if view.width < 100 else 30
    total = max(report.totals.mac_elements, 1)
    for name, cost in sorted(report.classes.items(), key=lambda item: -item[1].mac_elements):
        share = cost.mac_elements / total
        table.add_row(
            name,
            _bar(share, width),
            percent(share),
            count(cost.mac_elements),
            count(cost.madds) if cost.madds else "–",
            count(cost.operators),
        )
    return Padding(table, (0, 0, 0, 2))


def _layers(report: Report, view: View) -> Iterator[RenderableType]:
    depth = view.depth if view.depth is not None else _short_depth(report)
    deepest = max((row.depth for row in report.layers), default=0)
    folded = f"depth {depth} of {deepest}" if depth < deepest else "all of them"
    if view.sort == "order":
        yield _heading("Layers", f"{folded}; figures include the layers inside")
        entries = [_inclusive(row) for row in report.layers if 0 < row.depth <= depth and (row.calls or row.params)]
    else:
        yield _heading("Layers", f"{folded}; most {view.sort} first, adding up to the whole")
        entries = sorted(_disjoint(report, depth), key=_costliest(view.sort))
    total = max(report.totals.mac_elements, 1)
    cells = [("  layer", "type", "output", "params", "madds", "MAC", "of MAC")]
    for row, madds, access, params in entries:
        name = row.path.rpartition(".")[2] if view.sort == "order" else row.path
        cells.append(
            (
                "  " * (row.depth if view.sort == "order" else 1) + (name or "(the model itself)"),
                row.type + (f" ×{row.calls}" if row.calls > 1 else ""),
                shape(row.output_shapes[0]) if row.output_shapes else "",
                count(params) if params else "–",
                count(madds) if madds else "–",
                count(access) if access else "–",
                percent(access / total) if access else "–",
            )
        )
    table = Table.grid(padding=(0, 2, 0, 0))
    for index, width in enumerate(_widths(cells, view.width)):
        table.add_column(width=width, no_wrap=True, overflow="ellipsis", justify="left" if index < 3 else "right")
    for index, row_cells in enumerate(cells):
        table.add_row(*row_cells, style="" if index else "dim")
    yield table


def _costliest(sort: str) -> Callable[[Entry], int]:
    return lambda entry: -{"madds": entry[1], "mac": entry[2], "params": entry[3]}[sort]


def _widths(cells: Sequence[tuple[str, ...]], width: int) -> list[int]:
    """Numbers whole; what is left goes to shape, path and type, which are cut where it does not suffice."""
    natural = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    left = width - sum(natural[3:]) - 2 * len(natural)
    output = min(natural[2], max(left // 4, 11))
    kind = min(natural[1], max(left - output - natural[0], (left - output) * 2 // 5))
    return [max(min(natural[0], left - output - kind), 8), max(kind, 4), output, *natural[3:]]


def _inclusive(row: LayerRow) -> Entry:
    return row, row.madds, row.mac_elements, row.params


def _disjoint(report: Report, depth: int) -> Iterator[Entry]:
    """Layers at ``depth`` with all inside them, shallower ones with their own operators: it adds up."""
    for row in report.layers:
        if row.depth == depth:
            yield _inclusive(row)
        elif row.depth < depth and (row.own.operators or row.own_params):
            yield row, row.own.madds, row.own.mac_elements, row.own_params


def _short_depth(report: Report) -> int:
    """The greatest depth at which the table keeps to ``_ROWS`` rows, at least one."""
    depths = sorted(row.depth for row in report.layers)
    return max([1, *(depth for depth in set(depths) if sum(d <= depth for d in depths) <= _ROWS)])


def _verdicts(report: Report) -> RenderableType:
    table = _grid("left", "left", "left", "right", "left")
    for rule in report.rules:
        table.add_row(
            Text("n/a" if rule.verdict == "not-applicable" else rule.verdict, style=_STYLES[rule.verdict]),
            rule.code,
            rule.name,
            *_value_and_explanation(rule),
        )
    return Padding(table, (0, 0, 0, 2))


def _value_and_explanation(rule: RuleResult) -> tuple[str, str]:
    if rule.value is None or rule.limit is None:
        return "", rule.reason
    return f"{rule.value:.3f}", f"limit {rule.limit:g}: {rule.measure}"


def _findings(report: Report) -> Iterator[RenderableType]:
    """By line, worst line first within a rule: places that one line made are told once, with the worst of them."""
    by_line: dict[tuple[str, Line | str], list[Finding]] = {}
    for finding in report.findings:
        by_line.setdefault((finding.code, finding.source or finding.message), []).append(finding)
    if by_line:
        yield _heading("Findings", "what to mend, worst first")
    shown: Counter[str] = Counter()
    lines = Counter(code for code, _ in by_line)
    for findings in sorted(by_line.values(), key=lambda found: (found[0].code, -_saved(found))):
        code = findings[0].code
        shown[code] += 1
        if shown[code] <= _LINES:
            yield _told(findings)
        elif shown[code] == lines[code]:
            yield Text(
                f"  {code}  … and more: {lines[code] - _LINES} of {lines[code]} lines are in -o json", style="dim"
            )


def _saved(findings: Sequence[Finding]) -> int:
    return sum(finding.saving.mac_elements for finding in findings)


def _told(findings: Sequence[Finding]) -> RenderableType:
    worst = findings[0]
    line = f"{worst.source.file}:{worst.source.line}" if worst.source else "line not known"
    layers = worst.layer or "the model"
    if len(findings) > 1:
        layers += f" and {len(findings) - 1} more"
    saved = _saved(findings)
    size_saved = size(sum(finding.saving.mac_bytes for finding in findings))
    share = percent(sum(finding.saving.share for finding in findings))
    told = _grid("left", "left")
    told.add_row(Text(f"  {worst.code}", style="bold red"), Text.assemble((layers, "bold"), f"  {line}"))
    told.add_row("", worst.message)
    if worst.instead:
        told.add_row("", f"instead {worst.instead}")
    if saved:
        told.add_row("", f"saves {count(saved)} of MAC, {size_saved}, {share} of the model's")
    return told


def _unknown(report: Report) -> Iterator[RenderableType]:
    if not report.coverage.unknown:
        return
    yield _heading("Unknown operators", "their arithmetic is not counted: totals are a lower bound")
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
    yield from report.notes


def _summary(report: Report) -> Text:
    if report.errors:
        return Text(
            f"error: {', '.join(rule.code for rule in report.errors)} could not be judged",
            style="bold magenta",
        )
    failed = [rule.code for rule in report.rules if rule.verdict == "fail"]
    if failed:
        return Text(f"fail: {', '.join(failed)}", style="bold red")
    return Text("pass: no findings", style="green")

"""The report for a terminal: totals, where the cost goes, layers, verdicts, findings, what is not known.

Figures of layers include the layers inside them; sorted by cost, the table lists each layer with what it costs
alone, so that the column adds up to the total.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mac_audit.report import Finding, LayerRow, Line, Report, RuleResult
from mac_audit.reporters import View
from mac_audit.units import count, percent, shape, size

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
    yield Text.assemble((report.target, "bold"), "  ", _inputs(report))
    yield _totals(report)
    yield _heading("Where it goes", "memory access by class of operator")
    yield _classes(report, view)
    yield from _layers(report, view)
    yield _heading("Guidelines", "")
    yield _verdicts(report)
    yield from _findings(report)
    yield from _unknown(report)
    yield Text()
    yield Text("\n".join(_legend(report)), style="dim")
    yield Text()
    yield _summary(report)


def _inputs(report: Report) -> str:
    return ", ".join(f"{tensor.name} {shape(tensor.shape)} {tensor.dtype}" for tensor in report.inputs)


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
    factor = " = 2 × multiply-adds" if report.flop_convention == "torch" else " = multiply-adds"
    table.add_row("FLOPs", at_least + count(totals.flops), factor.removeprefix(" "))
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
        f"{report.coverage.exact} exact, {unknown} unknown; {report.coverage.free} views cost nothing",
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
        rows = [(row, row.madds, row.mac_elements, row.params) for row in report.layers if row.depth <= depth]
        rows = [entry for entry in rows if entry[0].depth and (entry[0].calls or entry[1] or entry[2] or entry[3])]
    else:
        yield _heading("Layers", f"{folded}; most {view.sort} first, each without the layers listed beside it")
        key = {"madds": 1, "mac": 2, "params": 3}[view.sort]
        rows = sorted(_alone(report, depth), key=lambda entry: -entry[key])  # type: ignore[operator]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("  layer", no_wrap=True, overflow="ellipsis", ratio=3)
    table.add_column("type", no_wrap=True, overflow="ellipsis", ratio=2)
    table.add_column("output", no_wrap=True, overflow="ellipsis", ratio=2)
    for title in ("params", "madds", "MAC", "of MAC"):
        table.add_column(title, justify="right", no_wrap=True)
    total = max(report.totals.mac_elements, 1)
    for row, madds, access, params in rows:
        indent = "  " * row.depth if view.sort == "order" else "  "
        name = row.path.rpartition(".")[2] if view.sort == "order" else row.path
        table.add_row(
            indent + (name or "(the model itself)"),
            row.type + (f" ×{row.calls}" if row.calls > 1 else ""),
            shape(row.output_shapes[0]) if row.output_shapes else "",
            count(params) if params else "–",
            count(madds) if madds else "–",
            count(access) if access else "–",
            percent(access / total) if access else "–",
        )
    yield table


Entry = tuple[LayerRow, int, int, int]


def _alone(report: Report, depth: int) -> Iterator[Entry]:
    """Layers at ``depth`` with all inside them, shallower ones with their own operators: it adds up."""
    for row in report.layers:
        if row.depth == depth:
            yield row, row.madds, row.mac_elements, row.params
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
            Text(rule.verdict, style=_STYLES[rule.verdict]),
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
    """Worst first; places with the same line and the same message are told once."""
    alike: dict[tuple[str, Line | None, str, str], list[Finding]] = {}
    for finding in report.findings:
        alike.setdefault((finding.code, finding.source, finding.message, finding.instead), []).append(finding)
    if alike:
        yield _heading("Findings", "what to mend to pass, worst first")
    for (code, source, message, instead), findings in alike.items():
        line = f"{source.file}:{source.line}" if source else "line not known"
        layers = findings[0].layer or "the model"
        if len(findings) > 1:
            layers += f" and {len(findings) - 1} more"
        yield Text.assemble("  ", (code, "bold red"), f" {layers}: {message}")
        yield Padding(Text(f"at {line}", style="dim"), (0, 0, 0, 5))
        if instead:
            yield Padding(Text(f"instead: {instead}"), (0, 0, 0, 5))
        saved = sum(finding.saving.mac_elements for finding in findings)
        bytes_saved = sum(finding.saving.mac_bytes for finding in findings)
        share = sum(finding.saving.share for finding in findings)
        saves = f"saves: {count(saved)} of MAC, {size(bytes_saved)}, {percent(share)} of the model's"
        yield Padding(Text(saves), (0, 0, 0, 5))


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
    yield f"captured on {capture['method']}; {capture['construction']}; torch {capture['torch']}."
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

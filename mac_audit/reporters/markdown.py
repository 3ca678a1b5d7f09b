"""Markdown for people: a comment on a pull request, or the summary of a CI step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from mac_audit.report import Report, RuleResult
from mac_audit.reporters import View
from mac_audit.reporters.escape import clean, code, code_cell, markdown
from mac_audit.reporters.problems import by_line, measured, places, problems, suppressed, told, troubles
from mac_audit.units import at_least, count, duration, percent, shape, size

_MARKS = {"pass": "✅ pass", "fail": "❌ fail", "not-applicable": "n/a", "error": "💥 error"}
# GitHub takes comments of 65,536 characters.
_LINES = 20  # of code that the findings of one rule name
_LAYERS = 200  # rows of the folded table


def render(reports: Sequence[Report], view: View) -> str:
    """A section for each report, with a final newline."""
    return "\n".join("\n".join(_section(clean(report), view)) + "\n" for report in reports)


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], numbers: int) -> Iterator[str]:
    """A table of cells that are markdown already, the last ``numbers`` columns to the right."""
    yield _row(titles)
    yield _row(["---"] * (len(titles) - numbers) + ["--:"] * numbers)
    yield from map(_row, rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _section(report: Report, view: View) -> Iterator[str]:
    name = "" if report.name in ("", report.target) else f"{markdown(report.name)} "
    yield f"## {_MARKS[report.verdict]}: {name}{code(report.target)}"
    yield ""
    if report.error:
        yield markdown(report.error)
        return
    yield _totals(report)
    yield ""
    yield from table(["", "rule", "measure", "value", "limit"], [_verdict(rule) for rule in report.rules], numbers=2)
    yield ""
    yield from _findings(report)
    yield from (f"- ⚠️ {markdown(trouble.message)}" for trouble in troubles(report))
    yield ""
    yield from _layers(report, view)
    conventions = [report.conventions[name] for name in ("flops", "mac", "execution") if name in report.conventions]
    yield f"<sub>{markdown('. '.join([*conventions, *report.notes]))}. mac-audit {markdown(report.version)}</sub>"


def _totals(report: Report) -> str:
    totals = report.totals
    inputs = ", ".join(f"{code(tensor.name)} {shape(tensor.shape)}" for tensor in report.inputs) or "–"
    missing = " (a lower bound)" if totals.lower_bound else ""
    time = ""
    if report.device is not None and totals.predicted_ms is not None:
        time = f", **{duration(totals.predicted_ms)}** predicted on {code(report.device.name)}"
    return (
        f"**{count(totals.params)}** parameters, **{at_least(totals.flops, totals.lower_bound)}** FLOPs{missing},"
        f" **{count(totals.mac_elements)}** elements ({size(totals.mac_bytes)}) of memory access{time}, for {inputs}"
    )


def _verdict(rule: RuleResult) -> list[str]:
    name = f"{markdown(rule.code)} {markdown(rule.name)}"
    mild = rule.verdict == "fail" and rule.severity != "error"
    mark = f"⚠️ {rule.severity}" if mild else _MARKS[rule.verdict]
    return [mark, name, markdown(rule.reason or rule.measure), *measured(rule)]


def _findings(report: Report) -> Iterator[str]:
    shown: Counter[str] = Counter()
    for findings in by_line(problems(report)):
        worst = findings[0]
        shown[worst.code] += 1
        if shown[worst.code] > _LINES:
            continue
        line = worst.source
        place = f" at {code(f'{line.file}:{line.line}')}" if line else ""
        others = places(findings).removeprefix(worst.layer or "the model")
        yield f"- **{markdown(worst.code)}** {code(worst.layer or 'the model')}{others}{place}  "
        yield "  \n".join(f"  {markdown(text)}" for text in told(findings))
    for rule, lines in shown.items():
        if lines > _LINES:
            yield f"- **{markdown(rule)}** … and {lines - _LINES} more lines of code in `-o json`"
    if found := suppressed(report):
        yield f"- {len(found)} suppressed {'finding' if len(found) == 1 else 'findings'}"


def _layers(report: Report, view: View) -> Iterator[str]:
    rows = [row for row in report.layers if row.depth and (view.depth is None or row.depth <= view.depth)]
    total = max(report.totals.mac_elements, 1)
    cells = [
        [
            code_cell(row.path),
            code_cell(row.type),
            shape(row.output_shapes[0]) if row.output_shapes else "",
            count(row.params),
            at_least(row.madds, row.lower_bound),
            count(row.mac_elements),
            percent(row.mac_elements / total),
        ]
        for row in rows[:_LAYERS]
    ]
    left_out = f", the first {_LAYERS} shown" if len(rows) > _LAYERS else ""
    yield f"<details><summary>{len(rows)} layers{left_out}; figures include the layers inside</summary>"
    yield ""
    yield from table(["layer", "type", "output", "params", "madds", "MAC", "of MAC"], cells, numbers=4)
    yield ""
    yield "</details>"
    yield ""

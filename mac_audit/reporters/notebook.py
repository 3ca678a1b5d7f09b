"""The report in a notebook: a fragment of HTML that takes the colours of the page around it.

What it costs and what the rules say stand open, findings and layers fold out; it stays small whatever the model is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from mac_audit.report import Report, RuleResult
from mac_audit.reporters.escape import clean
from mac_audit.reporters.inputs import listed
from mac_audit.reporters.problems import (
    by_line,
    explained,
    line_named,
    measured,
    places,
    problems,
    suppressed,
    troubles,
)
from mac_audit.units import at_least, count, duration, percent, shape, size

_LINES = 20  # of code that findings name
_LAYERS = 40  # rows of the folded table, the outermost layers
# Colours that can be read on white and on black.
_COLOURS = {"pass": "#2a9d4a", "fail": "#e0483e", "error": "#c44fc4", "not-applicable": "#888"}
_CELL = "padding:2px 12px 2px 0;vertical-align:top;background:none;border:0"
_BAR = "display:inline-block;height:0.7em;background:#4c8dd6"


def html(report: Report) -> str:
    """The fragment; what comes from the model is text in it."""
    return "".join(_parts(clean(report)))


def _parts(report: Report) -> Iterator[str]:
    yield '<div style="line-height:1.4">'
    name = f"<b>{escape(report.name)}</b> " if report.name not in ("", report.target) else ""
    title = f"{name}<code>{escape(report.target)}</code>" if name else f"<b>{escape(report.target)}</b>"
    yield f"<p>{_verdict(report.verdict)}: {title}, {escape(listed(report.inputs)) or 'no inputs'}</p>"
    if report.error:
        yield f"<p>{escape(report.error)}</p></div>"
        return
    yield _table(["", *_totals(report)], [["", *map(escape, _totals(report).values())]])
    rules = [
        [_verdict(rule.verdict, rule), escape(f"{rule.code} {rule.name}"), *map(escape, measured(rule)), _why(rule)]
        for rule in report.rules
    ]
    yield _table(["", "rule", "value", "limit", "measure"], rules, left=("", "rule", "measure"))
    for trouble in troubles(report):
        yield f"<p>{escape(trouble.message)}</p>"
    yield from _findings(report)
    yield _folded("where it goes", _classes(report))
    yield from _layers(report)
    sentences = [report.conventions[name] for name in ("flops", "mac", "execution") if name in report.conventions]
    told = " ".join(text.rstrip(".") + "." for text in (*sentences, *report.notes))
    yield f'<p style="opacity:0.7">{escape(told)}</p></div>'


def _verdict(verdict: str, rule: RuleResult | None = None) -> str:
    mild = rule is not None and verdict == "fail" and rule.severity != "error"
    word = rule.severity if mild and rule else {"not-applicable": "n/a"}.get(verdict, verdict)
    return f'<b style="color:{_COLOURS[verdict]}">{escape(word)}</b>'


def _why(rule: RuleResult) -> str:
    return escape(rule.reason or rule.measure)


def _totals(report: Report) -> dict[str, str]:
    totals = report.totals
    found = {
        "parameters": count(totals.params),
        "FLOPs": at_least(totals.flops, totals.lower_bound),
        "memory access (MAC)": f"{count(totals.mac_elements)} elements, {size(totals.mac_bytes)}",
        "operators": count(totals.operators),
    }
    if report.device and totals.predicted_ms is not None:
        found[f"predicted on {report.device.name}"] = duration(totals.predicted_ms)
    return found


def _findings(report: Report) -> Iterator[str]:
    groups = by_line(problems(report))
    if not groups and not suppressed(report):
        return
    lines = []
    for group in groups[:_LINES]:
        where = escape(line_named(group))
        more = dict(explained(group))
        saved = "; ".join(f"{label} {more[label]}" for label in ("saves", "predicted") if label in more)
        instead = f"instead {more['instead']}" if "instead" in more else ""
        text = "<br>".join(escape(line) for line in (group[0].message, instead, saved) if line)
        place = f"<b>{escape(group[0].code)}</b> {escape(places(group))} <code>{where}</code>"
        lines.append(f"<li>{place}<br>{text}</li>")
    if len(groups) > _LINES:
        lines.append(f"<li>… and {len(groups) - _LINES} more lines of code in <code>report.findings</code></li>")
    silent = f", {len(suppressed(report))} suppressed" if suppressed(report) else ""
    number = len(problems(report))
    summary = f"{number} {'finding' if number == 1 else 'findings'} at {len(groups)} lines of code{silent}"
    yield _folded(summary.replace(" at 1 lines", " at 1 line"), f"<ul>{''.join(lines)}</ul>")


def _classes(report: Report) -> str:
    total = max(report.totals.mac_elements, 1)
    timed = ["time"] if report.device else []
    rows = [
        [
            escape(name),
            percent(cost.mac_elements / total),
            f'<span style="{_BAR};width:{8 * cost.mac_elements / total:.2f}em"></span>',
            count(cost.mac_elements),
            at_least(cost.madds, cost.lower_bound),
            *([duration(cost.predicted_ms)] if timed and cost.predicted_ms is not None else []),
        ]
        for name, cost in sorted(report.classes.items(), key=lambda item: -item[1].mac_elements)
    ]
    return _table(["class", "of MAC", "", "MAC", "madds", *timed], rows, left=("class", ""))


def _layers(report: Report) -> Iterator[str]:
    total = max(report.totals.mac_elements, 1)
    known = [row for row in report.layers if row.depth and (row.calls or row.params)]
    deepest = max((row.depth for row in known), default=1)
    depth = 1
    while depth < deepest and sum(row.depth <= depth + 1 for row in known) <= _LAYERS:
        depth += 1
    shown = [row for row in known if row.depth <= depth][:_LAYERS]
    timed = ["time"] if report.device else []
    rows = [
        [
            f'<span style="padding-left:{row.depth - 1}em">{escape(row.path)}</span>',
            escape(row.type),
            shape(row.output_shapes[0]) if row.output_shapes else "",
            count(row.params) if row.params else "–",
            at_least(row.madds, row.lower_bound),
            count(row.mac_elements) if row.mac_elements else "–",
            percent(row.mac_elements / total) if row.mac_elements else "–",
            *([duration(row.predicted_ms) if row.predicted_ms else "–"] if timed else []),
        ]
        for row in shown
    ]
    titles = ["layer", "type", "output", "params", "madds", "MAC", "of MAC", *timed]
    left_out = f", the {len(shown)} outermost shown" if len(shown) < len(known) else ""
    yield _folded(f"{len(known)} layers{left_out}", _table(titles, rows, left=("layer", "type", "output")))


def _folded(summary: str, content: str) -> str:
    return f'<details><summary style="cursor:pointer">{escape(summary)}</summary>{content}</details>'


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[str] = ()) -> str:
    """Cells are HTML already; columns that are not ``left`` hold numbers."""
    sides = ["left" if title in left else "right" for title in titles]
    head = "".join(
        f'<th style="{_CELL};text-align:{side};font-weight:normal;opacity:0.7">{escape(title)}</th>'
        for title, side in zip(titles, sides, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td style="{_CELL};text-align:{side}">{cell}</td>' for cell, side in zip(row, sides, strict=True))
        + "</tr>"
        for row in rows
    )
    return f'<table style="border-collapse:collapse;margin:0.5em 0"><tr>{head}</tr>{body}</table>'

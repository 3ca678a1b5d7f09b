"""The predicted timeline in Chrome's trace event format, which Perfetto opens: a process for each model.

Operators run one after another, as times are predicted; above them stand the modules that they belong to, as a flame
chart. Calls of a module that follow each other directly are one slice. The format:
https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mac_audit.errors import MacAuditError
from mac_audit.report import LayerRow, Line, OperatorRow, Report
from mac_audit.reporters import View
from mac_audit.reporters.escape import clean
from mac_audit.units import shape

Event = dict[str, Any]

_MODULES, _OPERATORS = 1, 2  # the threads of a process, ten times its number on: that of its own is its main thread
_NS_PER_MS = 1_000_000
_NS_PER_US = 1_000


def render(reports: Sequence[Report], view: View) -> str:
    """One document with a final newline. ``MacAuditError`` where a model that was audited has no times."""
    del view
    events: list[Event] = []
    for number, report in enumerate(reports, start=1):
        if report.device is None and not report.error:
            raise MacAuditError(
                f"A timeline of {report.name} needs times; name a device with --device NAME, `mac-audit devices`"
                " lists them."
            )
        events += _process(report, number)
        if not report.error:
            events += _timeline(report, number)
    lines = ",\n".join(json.dumps(clean(event), ensure_ascii=False) for event in events)
    return f'{{"displayTimeUnit": "ns", "traceEvents": [\n{lines}\n]}}\n'


def _process(report: Report, number: int) -> Iterator[Event]:
    """How the model is called; the device, or why there is nothing to see, is its label."""
    label = report.error or (f"predicted on {report.device.name}" if report.device else "")
    yield _metadata("process_name", number, name=report.name or report.target)
    yield _metadata("process_labels", number, labels=label)
    yield _metadata("process_sort_index", number, sort_index=number)
    for thread, name in ((_MODULES, "modules"), (_OPERATORS, "operators")):
        yield _metadata("thread_name", number, thread, name=name)
        yield _metadata("thread_sort_index", number, thread, sort_index=thread)


def _metadata(kind: str, process: int, thread: int = 0, **told: Any) -> Event:
    return {"ph": "M", "name": kind, "pid": process, "tid": 10 * process + thread, "args": told}


def _timeline(report: Report, process: int) -> Iterator[Event]:
    """In whole nanoseconds, so that a slice ends exactly where the one around it does.

    Of slices that begin together the outer one comes first: readers nest them in that order.
    """
    called = {row.path: row for row in report.layers if row.calls or not row.path}
    open_: list[_Call] = []
    calls: list[_Call] = []
    ms, now = 0.0, 0
    for row in report.operators:
        paths = _within(row.layer, called)
        while open_ and open_[-1].row.path not in paths:
            open_.pop()
        started = [_Call(called[path], now) for path in paths[len(open_) :]]
        open_ += started
        calls += started
        ms += row.predicted_ms or 0
        start, now = now, round(ms * _NS_PER_MS)
        for call in open_:
            call.ran.append(row)
            call.end = now
        yield _slice(row.name, row.kind, start, now, process, _OPERATORS, _operator(row))
    for call in calls:
        name = f"{call.row.path.rpartition('.')[2]} {call.row.type}".strip()
        yield _slice(name, "module", call.start, call.end, process, _MODULES, _module(call))


@dataclass(slots=True)
class _Call:
    """A module that runs, from ``start`` to ``end`` in nanoseconds, and what it ran."""

    row: LayerRow
    start: int
    end: int = 0
    ran: list[OperatorRow] = field(default_factory=list)


def _within(layer: str, called: dict[str, LayerRow]) -> list[str]:
    """The paths of the modules around an operator, the model first."""
    parts = layer.split(".") if layer else []
    paths = ("", *(".".join(parts[: end + 1]) for end in range(len(parts))))
    return [path for path in paths if path in called]


def _module(call: _Call) -> dict[str, Any]:
    return {
        "path": call.row.path or "(the model itself)",
        "type": call.row.type,
        "madds": sum(row.madds for row in call.ran),
        "mac_elements": sum(row.mac_elements for row in call.ran),
        "mac_bytes": sum(row.mac_bytes for row in call.ran),
        "operators": len(call.ran),
        "source": _line(call.row.source),
    }


def _operator(row: OperatorRow) -> dict[str, Any]:
    return {
        "layer": row.layer or "(the model itself)",
        "target": row.target,
        "class": row.kind,
        "madds": row.madds if row.coverage == "exact" else f"at least {row.madds}",
        "mac_elements": row.mac_elements,
        "mac_bytes": row.mac_bytes,
        "bound": row.bound,
        "output": ", ".join(map(shape, row.output_shapes)),
        "source": _line(row.source),
    }


def _slice(name: str, category: str, start: int, end: int, process: int, thread: int, told: dict[str, Any]) -> Event:
    """A complete event; the format has microseconds."""
    return {
        "ph": "X",
        "name": name,
        "cat": category,
        "ts": start / _NS_PER_US,
        "dur": (end - start) / _NS_PER_US,
        "pid": process,
        "tid": 10 * process + thread,
        "args": told,
    }


def _line(source: Line | None) -> str:
    return f"{source.file}:{source.line}" if source else "not known"

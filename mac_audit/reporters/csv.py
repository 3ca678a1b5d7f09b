"""The layers as CSV (RFC 4180), for spreadsheets and data frames: a row a layer of every model.

Figures include the layers inside, ``own`` ones do not: those add up to the model's. A cell is empty where there is
nothing to tell. Text that a spreadsheet would take for a formula begins with an apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence

from mac_audit.network import Shape
from mac_audit.report import LayerRow, Report
from mac_audit.reporters import View
from mac_audit.reporters.escape import csv_text

Cell = str | int | float | None

_COLUMNS: dict[str, Callable[[LayerRow], Cell]] = {
    "layer": lambda row: csv_text(row.path),
    "type": lambda row: csv_text(row.type),
    "depth": lambda row: row.depth,
    "leaf": lambda row: _yes(row.leaf),
    "calls": lambda row: row.calls,
    "input shapes": lambda row: _shapes(row.input_shapes),
    "output shapes": lambda row: _shapes(row.output_shapes),
    "params": lambda row: row.params,
    "multiply-adds": lambda row: row.madds,
    "MAC (elements)": lambda row: row.mac_elements,
    "MAC (bytes)": lambda row: row.mac_bytes,
    "predicted time (ms)": lambda row: row.predicted_ms,
    "bound": lambda row: row.bound,
    "own params": lambda row: row.own_params,
    "own multiply-adds": lambda row: row.own.madds,
    "own MAC (elements)": lambda row: row.own.mac_elements,
    "own MAC (bytes)": lambda row: row.own.mac_bytes,
    "own operators": lambda row: row.own.operators,
    "own predicted time (ms)": lambda row: row.own.predicted_ms,
    "classes": lambda row: csv_text(" ".join(row.classes)),
    "lower bound": lambda row: _yes(row.lower_bound),
    "source": lambda row: csv_text(f"{row.source.file}:{row.source.line}") if row.source else None,
}


def render(reports: Sequence[Report], view: View) -> str:
    """A heading and the rows; the layer without a path is the model, ``error`` says why one could not be audited."""
    del view
    return written(["model", *_COLUMNS, "device", "error"], (row for report in reports for row in _rows(report)))


def written(titles: Sequence[str], rows: Iterator[list[Cell]]) -> str:
    """The lines of a CSV file, with what RFC 4180 ends them with."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(titles)
    writer.writerows(rows)
    return text.getvalue()


def _rows(report: Report) -> Iterator[list[Cell]]:
    name = csv_text(report.name or report.target)
    if report.error:
        yield [name, *[None] * (len(_COLUMNS) + 1), csv_text(report.error)]
    device = csv_text(report.device.name) if report.device else None
    for row in report.layers:
        yield [name, *(cell(row) for cell in _COLUMNS.values()), device, None]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _shapes(shapes: Sequence[Shape]) -> str:
    """``1x3x224x224 1x10``: a spreadsheet that guesses the encoding cannot get it wrong."""
    return " ".join("x".join(map(str, sizes)) or "scalar" for sizes in shapes)

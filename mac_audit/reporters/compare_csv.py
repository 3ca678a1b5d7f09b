"""A comparison as CSV: a row a model, numbers as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mac_audit.comparison import Comparison, Model
from mac_audit.reporters import View
from mac_audit.reporters.comparing import by_code, codes, inputs
from mac_audit.reporters.csv import Cell, written
from mac_audit.reporters.escape import csv_text

_FIGURES = {
    "params": "params",
    "multiply-adds": "madds",
    "FLOPs": "flops",
    "MAC (elements)": "mac_elements",
    "MAC (bytes)": "mac_bytes",
    "findings": "findings",
}


def render(comparisons: Sequence[Comparison], view: View) -> str:
    """A heading and a row for each model of the one comparison; cells of one that was not audited are empty."""
    del view
    (comparison,) = comparisons
    rules = codes(comparison)
    titles = ["model", "target", "inputs", *_FIGURES, "lower bound"]
    titles += [f"predicted time on {csv_text(device.name)} (ms)" for device in comparison.devices]
    titles += [title for code in rules for title in (csv_text(code), csv_text(f"{code} verdict"))]
    rows = (list(_row(model, comparison, rules)) for model in comparison.models)
    return written([*titles, "verdict", "error"], rows)


def _row(model: Model, comparison: Comparison, rules: Sequence[str]) -> Iterator[Cell]:
    yield from (csv_text(model.name), csv_text(model.target), csv_text(inputs(model).replace("×", "x")))
    yield from (None if model.error else getattr(model, field) for field in _FIGURES.values())
    yield None if model.error else "yes" if model.lower_bound else "no"
    yield from (model.times.get(device.name) for device in comparison.devices)
    judged = by_code(model)
    for code in rules:
        rule = judged.get(code)
        yield from (rule.value, rule.verdict) if rule else (None, None)
    yield from (model.verdict, csv_text(model.error) or None)

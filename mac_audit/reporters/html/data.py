"""What the page of a report is drawn from: the report, harmless, without what no view shows, and where things stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from mac_audit.report import Finding, LayerRow, Line, OperatorRow, Report
from mac_audit.reporters.escape import clean, paragraphs
from mac_audit.reporters.html.graph import graph_of
from mac_audit.reporters.problems import by_line, explained, measured, place, problems, suppressed, troubles
from mac_audit.units import shape

Row = list[Any]


def model(report: Report) -> dict[str, Any]:
    """One model: what its views show, of texts and numbers alone. Layers are named by their position."""
    rules = {rule.code: paragraphs(rule.help.partition("\n## ")[0]) for rule in report.rules}
    report = clean(report)
    number = {layer.path: i for i, layer in enumerate(report.layers)}
    return {
        "name": report.name or report.target,
        "target": report.target,
        "verdict": report.verdict,
        "error": report.error,
        "version": report.version,
        "inputs": [f"{tensor.name} {shape(tensor.shape)} {tensor.dtype}" for tensor in report.inputs],
        "device": asdict(report.device) if report.device is not None else None,
        "conventions": report.conventions,
        "capture": report.capture,
        "notes": report.notes,
        "troubles": [_trouble(kind.message, kind.severity, kind.lines) for kind in troubles(report)],
        "totals": asdict(report.totals),
        "coverage": asdict(report.coverage),
        "classes": {name: asdict(cost) for name, cost in report.classes.items()},
        "rules": [
            {
                **{key: getattr(rule, key) for key in ("code", "name", "verdict", "measure", "reason", "severity")},
                "told": measured(rule),
                "help": rules.get(rule.code, ""),
            }
            for rule in report.rules
        ],
        "findings": [_card(found, number) for found in _worst_first(report)],
        "layers": _table(map(_layer, report.layers)),
        "operators": _table(_operator(operator, number) for operator in report.operators),
        "graph": graph_of(report),
    }


def _table(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The names of the columns once, since there are thousands of rows."""
    found = list(rows)
    return {"columns": list(found[0]) if found else [], "rows": [list(row.values()) for row in found]}


def _layer(layer: LayerRow) -> dict[str, Any]:
    return {
        "path": layer.path,
        "type": layer.type,
        "line": _line(layer.source),
        "depth": layer.depth,
        "output": " ".join(map(shape, layer.output_shapes)),
        "params": layer.params,
        "madds": layer.madds,
        "mac": layer.mac_elements,
        "ms": layer.predicted_ms,
        "lower": layer.lower_bound,
        "own": [layer.own_params, layer.own.madds, layer.own.mac_elements, layer.own.predicted_ms],
    }


def _operator(operator: OperatorRow, number: dict[str, int]) -> dict[str, Any]:
    return {
        "target": operator.target,
        "layer": number.get(operator.layer, 0),
        "kind": operator.kind,
        "output": " ".join(map(shape, operator.output_shapes)),
        "madds": operator.madds,
        "ops": operator.other_ops,
        "mac": operator.mac_elements,
        "bytes": operator.mac_bytes,
        "ms": operator.predicted_ms,
        "bound": operator.bound,
        "after": operator.after,
    }


def _worst_first(report: Report) -> list[tuple[Finding, ...]]:
    """Findings that one line made together; what saves most first, what does not count last."""
    counted, silent = (by_line(found) for found in (problems(report), suppressed(report)))
    return [*sorted(counted, key=lambda found: -sum(finding.saving.share for finding in found)), *silent]


def _card(findings: Sequence[Finding], number: dict[str, int]) -> dict[str, Any]:
    first = findings[0]
    return {
        "code": first.code,
        "severity": first.severity,
        "message": first.message,
        "place": place(first),
        "line": _line(first.source),
        "snippet": asdict(first.snippet) if first.snippet is not None else None,
        "explained": explained(findings),
        "suppressed": asdict(first.suppressed) if first.suppressed is not None else None,
        "layers": [number.get(finding.layer, 0) for finding in findings],
        "counterfactual": first.counterfactual,
    }


def _trouble(message: str, severity: str, lines: Sequence[Line]) -> dict[str, Any]:
    return {"message": message, "severity": severity, "lines": [_line(line) for line in lines]}


def _line(line: Line | None) -> list[Any] | None:
    return [line.file, line.line] if line is not None else None

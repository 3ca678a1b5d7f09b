"""What changed, as a page: two architectures side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mac_audit.diff import Diff, LayerChange, LayerFigure
from mac_audit.plain import to_plain
from mac_audit.report import Finding, LayerRow
from mac_audit.reporters import View
from mac_audit.reporters.changes import rule_rows, total_rows
from mac_audit.reporters.escape import clean
from mac_audit.reporters.html.page import page
from mac_audit.reporters.problems import by_line, line_named, places, told
from mac_audit.units import shape

_FIGURES: tuple[LayerFigure, ...] = ("madds", "mac_elements", "mac_bytes", "predicted_ms")


def render(diffs: Sequence[Diff], view: View) -> str:
    """The page, a part for each model; the same diffs give the same bytes."""
    del view
    cleaned = [clean(diff) for diff in diffs]
    names = " → ".join(dict.fromkeys((cleaned[0].old.name, cleaned[0].new.name)))
    title = f"mac-audit: {names if len(cleaned) == 1 else f'{len(cleaned)} models, what changed'}"
    return page(title, [_shown(diff) for diff in cleaned], ["rows.js", "diff.js"])


def _shown(diff: Diff) -> dict[str, Any]:
    return {
        "old": to_plain(diff.old),
        "new": to_plain(diff.new),
        "notes": diff.notes,
        "exceeded": diff.exceeded,
        "totals": total_rows(diff),
        "classes": to_plain(diff.classes),
        "layers": [_layer(layer) for layer in diff.layers],
        "rules": rule_rows(diff),
        "added": _findings(diff.new_findings),
        "mended": [{**found, "told": found["told"][:1]} for found in _findings(diff.fixed_findings)],
    }


def _layer(layer: LayerChange) -> dict[str, Any]:
    """Both sides, and what its own operators and parameters cost more."""
    changes: dict[str, float] = {name: layer.change(name).by for name in _FIGURES}
    return {
        "kind": layer.kind,
        "old": _side(layer.old),
        "new": _side(layer.new),
        "params": layer.params.by,
        **changes,
    }


def _side(row: LayerRow | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "path": row.path or "(the model itself)",
        "type": row.type,
        "output": shape(row.output_shapes[0]) if row.output_shapes else "",
        "line": f"{row.source.file}:{row.source.line}" if row.source else "",
    }


def _findings(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {"code": group[0].code, "places": places(group), "line": line_named(group), "told": told(group)}
        for group in by_line(findings)
    ]

"""What the tables of a diff say, whatever they are drawn with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mac_audit.diff import Change, Diff, LayerChange
from mac_audit.report import RuleResult
from mac_audit.reporters.problems import measured
from mac_audit.units import count, duration, percent, shape, size

# The totals that a person compares; the JSON has them all.
TOTALS = {
    "params": "parameters",
    "flops": "FLOPs",
    "mac_elements": "memory access (MAC)",
    "mac_bytes": "the same in bytes",
    "operators": "operators",
    "predicted_ms": "predicted time",
}
_SHOW = {"mac_bytes": size, "predicted_ms": duration}


def total_rows(diff: Diff) -> list[list[str]]:
    """Name, before, after, change, change in percent; no change of a model that one side lacks."""
    rows = []
    both = diff.presence == "both"
    for name, change in ((name, diff.totals[name]) for name in TOTALS if name in diff.totals):
        show = _SHOW.get(name, count)
        sides = ["–" if number is None else show(number) for number in (change.old, change.new)]
        rows.append([TOTALS[name], *sides, signed(change.by, show) if both else "", grown(change) if both else ""])
    return rows


def rule_rows(diff: Diff) -> list[list[str]]:
    """The rules that changed: name, before, after."""
    return [[f"{rule.code} {rule.name}", _verdict(rule.old), _verdict(rule.new)] for rule in diff.rules if rule.changed]


def moves(diff: Diff) -> Iterator[tuple[str, str]]:
    """The layers that moved, old path and new path, without those that moved along inside another."""
    paths = {old.path: new.path for layer in diff.layers if (old := layer.old) and (new := layer.new)}
    for layer in diff.layers:
        if (
            layer.kind == "moved"
            and layer.old
            and layer.new
            and not _moved_along(layer.old.path, layer.new.path, paths)
        ):
            yield layer.old.path, layer.new.path


def shapes(layer: LayerChange) -> str:
    """The shape of the output, before and after where it changed."""
    outputs = (row.output_shapes[0] for row in (layer.old, layer.new) if row and row.output_shapes)
    return " → ".join(dict.fromkeys(map(shape, outputs)))


def signed(number: float, show: Callable[[float], str] = count) -> str:
    """``+1.20 K``, ``−3``, or a dash for nothing."""
    if not number:
        return "–"
    return f"{'+' if number > 0 else '−'}{show(abs(number))}"


def grown(change: Change) -> str:
    """``+2.0 %``; nothing where it did not change."""
    if not change.by or change.share is None:
        return ""
    return f"{'+' if change.by > 0 else '−'}{percent(abs(change.share))}"


def _verdict(rule: RuleResult | None) -> str:
    if rule is None:
        return "did not run"
    return " ".join(text for text in (rule.verdict, measured(rule)[0]) if text)


def _moved_along(old: str, new: str, paths: dict[str, str]) -> bool:
    """Whether the layer around it moved the same way, and took it along."""
    around, _, name = old.rpartition(".")
    return bool(around) and around in paths and new == f"{paths[around]}.{name}" and paths[around] != around

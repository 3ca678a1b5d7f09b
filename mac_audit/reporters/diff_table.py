"""What changed, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from mac_audit.diff import Diff, LayerChange
from mac_audit.reporters import View
from mac_audit.reporters.changes import moves, rule_rows, shapes, signed, total_rows
from mac_audit.reporters.escape import clean
from mac_audit.reporters.problems import by_line, line_named, places, told
from mac_audit.reporters.terminal import grid, heading, printed

_LAYERS = 30  # rows, the greatest change of memory access first
_MOVES = 10
_STYLES = {"added": "green", "removed": "red", "changed": "yellow"}


def render(diffs: Sequence[Diff], view: View) -> str:
    """What changed in each model."""
    return "\n".join(printed(_parts(clean(diff)), view) for diff in diffs)


def _parts(diff: Diff) -> Iterator[RenderableType]:
    names = dict.fromkeys((diff.old.name, diff.new.name))
    yield Text(" → ".join(names), style="bold")
    yield from (Text(f"  {note}", style="yellow") for note in diff.notes)
    totals = grid("left", "right", "right", "right", "right")
    for name, *numbers in total_rows(diff):
        totals.add_row(name, *numbers)
    yield Padding(totals, (0, 0, 0, 2))
    if diff.presence == "both":
        yield from _layers(diff)
    if rows := rule_rows(diff):
        yield heading("Rules")
        rules = grid("left", "left", "left")
        for name, old, new in rows:
            rules.add_row(name, old, f"→ {new}")
        yield Padding(rules, (0, 0, 0, 2))
    for title, style, findings in (("New", "bold red", diff.new_findings), ("Fixed", "green", diff.fixed_findings)):
        if findings:
            yield heading(f"{title} findings")
            for group in by_line(findings):
                yield Text.assemble(f"  {group[0].code}  ", (places(group), style), f"  {line_named(group)}")
                yield Padding(Text("\n".join(told(group) if title == "New" else told(group)[:1])), (0, 0, 0, 6))
    yield Text()
    yield Text("\n".join(diff.exceeded), style="bold red") if diff.exceeded else Text(_summary(diff))


def _layers(diff: Diff) -> Iterator[RenderableType]:
    changed = [layer for layer in diff.layers if layer.kind != "moved"]
    changed.sort(key=lambda layer: -abs(layer.change("mac_elements").by))
    if changed:
        yield heading("Layers", "what their own operators cost")
        table = grid("left", "left", "left", "left", "right", "right", "right")
        table.add_row("", "layer", "type", "output", "params", "madds", "MAC", style="dim")
        for layer in changed[:_LAYERS]:
            table.add_row(*_row(layer))
        yield Padding(table, (0, 0, 0, 2))
        if len(changed) > _LAYERS:
            yield Text(f"  … and {len(changed) - _LAYERS} more in -o json", style="dim")
    moved = list(moves(diff))
    for old, new in moved[:_MOVES]:
        yield Text(f"  moved  {old} → {new}", style="dim")
    if len(moved) > _MOVES:
        yield Text(f"  moved  … and {len(moved) - _MOVES} more in -o json", style="dim")


def _row(layer: LayerChange) -> list[RenderableType]:
    types = dict.fromkeys(row.type for row in (layer.old, layer.new) if row)
    changes = (layer.params, layer.change("madds"), layer.change("mac_elements"))
    return [
        Text(layer.kind, style=_STYLES[layer.kind]),
        layer.path or "(the model itself)",
        " → ".join(types),
        shapes(layer),
        *(signed(change.by) for change in changes),
    ]


def _summary(diff: Diff) -> str:
    if diff.presence != "both":
        return f"the model is {diff.presence}"
    rules = sum(rule.changed for rule in diff.rules)
    counts = ((len(diff.layers), "layers"), (rules, "rules"))
    told = " and ".join(f"{number} {what}" for number, what in counts if number)
    return f"changed: {told}" if told else "nothing changed"

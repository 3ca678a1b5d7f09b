"""What changed, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from mac_audit.diff import Diff, LayerChange
from mac_audit.reporters import View
from mac_audit.reporters.changes import moves, rule_rows, shapes, signed, total_rows
from mac_audit.reporters.escape import clean
from mac_audit.reporters.findings import diagnostic
from mac_audit.reporters.problems import by_line, line_named, places
from mac_audit.reporters.terminal import STYLES, Cell, Column, ending, fitted, heading, printed

_LAYERS = 30  # rows, the greatest change of memory access first
_MOVES = 10
_STYLES = {"added": "green", "removed": "red", "changed": "magenta"}


def render(diffs: Sequence[Diff], view: View) -> str:
    """What changed in each model."""
    return "\n".join(printed(_parts(clean(diff), view), view) for diff in diffs)


def _parts(diff: Diff, view: View) -> Iterator[RenderableType]:
    names = dict.fromkeys((diff.old.name, diff.new.name))
    yield Text(" → ".join(names), style="bold")
    yield from (Text(f"  {note}", style=STYLES["warning"]) for note in diff.notes)
    columns = [Column("", right=False, least=12), *(Column("", rank) for rank in (2, 0, 1, 3))]
    yield fitted(columns, total_rows(diff), view.width)
    if diff.presence == "both":
        yield from _layers(diff, view)
    if rows := rule_rows(diff):
        yield heading("Rules")
        columns = [Column("", right=False, least=12) for _ in range(3)]
        yield fitted(columns, [(name, old, f"→ {new}") for name, old, new in rows], view.width)
    for title, findings in (("New", diff.new_findings), ("Fixed", diff.fixed_findings)):
        if findings:
            yield heading(f"{title} findings")
            for group in by_line(findings):
                if title == "New":
                    yield Text()
                    yield from diagnostic(group, view)
                else:
                    yield Text.assemble(f"  {group[0].code}  ", (places(group), "green"), f"  {line_named(group)}")
                    yield Padding(Text(group[0].message), (0, 0, 0, 6))
    yield Text()
    yield Text("\n".join(diff.exceeded), style=STYLES["fail"]) if diff.exceeded else Text(_summary(diff))


def _layers(diff: Diff, view: View) -> Iterator[RenderableType]:
    changed = [layer for layer in diff.layers if layer.kind != "moved"]
    changed.sort(key=lambda layer: -abs(layer.change("mac_elements").by))
    if changed:
        yield heading("Layers", "what their own operators cost")
        columns = [
            Column("", right=False, least=7),
            Column("layer", right=False, least=14, most=max(len(_path(layer)) for layer in changed)),
            Column("type", 3, right=False, least=6),
            Column("output", 4, right=False, least=11, most=max(len(shapes(layer)) for layer in changed)),
            Column("params", 2),
            Column("madds", 1),
            Column("MAC"),
        ]
        yield fitted(columns, [_row(layer) for layer in changed[:_LAYERS]], view.width)
        if len(changed) > _LAYERS:
            yield Text(f"  … and {len(changed) - _LAYERS} more in -o json", style="dim")
    moved = list(moves(diff))
    for old, new in moved[:_MOVES]:
        yield Text(f"  moved  {old} → {new}", style="dim")
    if len(moved) > _MOVES:
        yield Text(f"  moved  … and {len(moved) - _MOVES} more in -o json", style="dim")


def _path(layer: LayerChange) -> str:
    return layer.path or "(the model itself)"


def _row(layer: LayerChange) -> list[Cell]:
    types = dict.fromkeys(row.type for row in (layer.old, layer.new) if row)
    changes = (layer.params, layer.change("madds"), layer.change("mac_elements"))
    return [
        Text(layer.kind, style=_STYLES[layer.kind]),
        partial(ending, _path(layer)),
        " → ".join(types),
        partial(ending, shapes(layer)),
        *(signed(change.by) for change in changes),
    ]


def _summary(diff: Diff) -> str:
    if diff.presence != "both":
        return f"the model is {diff.presence}"
    rules = sum(rule.changed for rule in diff.rules)
    counts = ((len(diff.layers), "layers"), (rules, "rules"))
    told = " and ".join(f"{number} {what}" for number, what in counts if number)
    return f"changed: {told}" if told else "nothing changed"

"""What changed, as markdown for a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mac_audit.diff import Diff, LayerChange
from mac_audit.reporters import View
from mac_audit.reporters.changes import moves, rule_rows, shapes, signed, total_rows
from mac_audit.reporters.escape import clean, code, code_cell, markdown
from mac_audit.reporters.markdown import table
from mac_audit.reporters.problems import by_line, places, saves

_LINES = 50  # of code that new findings name, and fixed ones
_LAYERS = 50  # rows, costliest change first


def render(diffs: Sequence[Diff], view: View) -> str:
    """A section for each model, with a final newline."""
    del view
    return "\n".join("\n".join(_section(clean(diff))) + "\n" for diff in diffs)


def _section(diff: Diff) -> Iterator[str]:
    changed = "what changed" if diff.presence == "both" else f"{diff.presence} model"
    verdict = "❌ grew too much" if diff.exceeded else changed
    names = [diff.new.name] if diff.old.name == diff.new.name else [diff.old.name, diff.new.name]
    yield f"## mac-audit, {verdict}: {' → '.join(map(code, names))}"
    yield ""
    yield from (f"- ❌ {markdown(text)}" for text in diff.exceeded)
    yield from (f"- ⚠️ {markdown(text)}" for text in diff.notes)
    yield ""
    yield from table(["", "before", "after", "change", ""], total_rows(diff), numbers=4)
    yield ""
    if rows := rule_rows(diff):
        yield from table(["rule", "before", "after"], [[*map(markdown, row)] for row in rows], numbers=0)
        yield ""
    for mark, word, findings in (("❌", "new", diff.new_findings), ("✅", "fixed", diff.fixed_findings)):
        lines = by_line(findings)
        for group in lines[:_LINES]:
            worst = group[0]
            place = f" at {code(f'{worst.source.file}:{worst.source.line}')}" if worst.source else ""
            saving = f" ({markdown(saves(group))})" if saves(group) else ""
            told = f"{code(places(group))}{place}: {markdown(worst.message)}{saving}"
            yield f"- {mark} {word} **{markdown(worst.code)}** {told}"
        if len(lines) > _LINES:
            yield f"- {mark} {word}: {len(lines) - _LINES} more lines of code in `-o json`"
    yield ""
    if diff.presence == "both":
        yield from _layers(diff)


def _layers(diff: Diff) -> Iterator[str]:
    changed = [layer for layer in diff.layers if layer.kind != "moved"]
    changed.sort(key=lambda layer: -abs(layer.change("mac_elements").by))
    if not diff.layers:
        yield "No layer changed."
        return
    left_out = f", the {_LAYERS} that matter most shown" if len(changed) > _LAYERS else ""
    yield f"<details><summary>{len(changed)} layers changed{left_out}</summary>"
    yield ""
    yield from table(
        ["", "layer", "type", "output", "params", "madds", "MAC"], [*map(_row, changed[:_LAYERS])], numbers=3
    )
    yield ""
    yield from (f"- moved {code(old)} → {code(new)}" for old, new in moves(diff))
    yield ""
    yield "</details>"


def _row(layer: LayerChange) -> list[str]:
    types = dict.fromkeys(row.type for row in (layer.old, layer.new) if row)
    changes = (layer.params, layer.change("madds"), layer.change("mac_elements"))
    return [
        layer.kind,
        code_cell(layer.path or "the model"),
        " → ".join(map(code_cell, types)),
        shapes(layer),
        *(signed(change.by) for change in changes),
    ]

"""The layer table of the terminal: what each layer costs, in as many columns as there is room for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rich.cells import cell_len
from rich.console import RenderableType
from rich.text import Text

from mac_audit.report import Report
from mac_audit.reporters import View
from mac_audit.reporters.folding import Figures, Fold, folds
from mac_audit.reporters.terminal import Cell, Column, bar, ending, fitted, heading
from mac_audit.units import at_least, count, duration, percent, shape

_ROWS = 40  # that a table shows where no depth was asked for
_ROOMY = 100  # characters, from which on there may be room for what is only good to know


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table: layers with all inside them, or with what is their own."""

    fold: Fold
    figures: Figures


def layers(report: Report, view: View) -> Iterator[RenderableType]:
    """The heading, and a line for each layer that costs something or has parameters, down to a depth."""
    rows = folds(report, view.fold)
    deepest = max((row.first.depth for row in rows), default=0)
    depth = view.depth or (deepest if view.detail == "verbose" else _short_depth(rows))
    told = [f"depth {depth} of {deepest}" if depth < deepest else "all"]
    if any(row.alike > 1 for row in rows if row.first.depth <= depth):
        told[0] += ", alike ones folded (--unfold)"
    if view.sort == "order":
        told.append("figures include those inside")
        shown = [Entry(row, row.whole) for row in rows if 0 < row.first.depth <= depth and _costs(row.whole)]
        if not view.depth and depth < deepest:
            known = {row.path: row for row in rows}
            shown = [entry for entry in shown if entry.fold.first.depth < depth or not _repeats(entry.fold, known)]
    else:
        told.append(f"most {view.sort} first, adding up to the whole")
        shown = sorted(disjoint(rows, depth), key=_costliest(view.sort))
    yield heading("Layers", "; ".join(told))
    if shown:
        yield _table(report, shown, view)


def disjoint(rows: Sequence[Fold], depth: int) -> list[Entry]:
    """Layers at ``depth`` with all inside them, shallower ones with their own operators: it adds up."""
    found = [Entry(row, row.whole if row.first.depth == depth else row.own) for row in rows if row.first.depth <= depth]
    return [entry for entry in found if _costs(entry.figures)]


def _costs(figures: Figures) -> bool:
    return bool(figures.params or figures.mac_elements or figures.madds or figures.lower_bound)


def _repeats(row: Fold, known: Mapping[str, Fold]) -> bool:
    """Whether it only wraps what is inside it and is all that the layer around holds, so that its line says nothing."""
    around = known.get(row.path.removesuffix(f".{row.name}"), row)
    return row is not around and not row.first.leaf and row.whole == around.whole


def _costliest(sort: str) -> Callable[[Entry], float]:
    names = {"madds": "madds", "mac": "mac_elements", "params": "params", "time": "predicted_ms"}
    return lambda entry: -(getattr(entry.figures, names[sort]) or 0)


def _short_depth(rows: Sequence[Fold]) -> int:
    """The greatest depth at which the table keeps to ``_ROWS`` lines, at least one."""
    at = Counter(row.first.depth for row in rows if _costs(row.whole))
    return max([1, *(depth for depth in at if sum(n for d, n in at.items() if 0 < d <= depth) <= _ROWS)])


def _table(report: Report, shown: Sequence[Entry], view: View) -> Text:
    tree = view.sort == "order"
    timed = report.totals.predicted_ms is not None
    names = [_named(entry.fold, tree) for entry in shown]
    longest = max(cell_len(indent + name) for indent, name in names)
    lines = {entry.fold.path: _line(entry.fold) for entry in shown}
    roomy = view.width >= _ROOMY
    classes = _classes(report) if roomy else {}
    columns = [
        Column("layer", right=False, least=(20 if roomy else 14) if tree else 28, most=longest),
        Column("type", 2, right=False, least=(16 if roomy else 10) if tree else 5),
        Column("output", 4, right=False, least=13),
        Column("params", 5),
        Column("madds", 3),
        Column("MAC"),
        Column("of MAC", 6 if timed else 0),
        *([Column("time"), Column("of time", 1)] if timed else []),
        Column("", 9, right=False, least=8, most=30),
        *([Column("bound", 8, right=False)] if timed else []),
        *([Column("its MAC by class", 10, right=False, least=20, most=40)] if roomy else []),
        *([Column("constructed", 11, right=False, least=18, most=max(map(cell_len, lines.values())))] if roomy else []),
    ]
    whole = report.totals.mac_elements or 1
    cells: list[list[Cell]] = []
    for entry, (indent, name) in zip(shown, names, strict=True):
        fold, figures = entry.fold, entry.figures
        first, ms = fold.first, figures.predicted_ms
        spent = (ms or 0) / (report.totals.predicted_ms or 1)
        share = figures.mac_elements / whole
        cells.append(
            [
                indent + name if tree else partial(ending, name),
                first.type + (f" ({first.calls} calls)" if first.calls > 1 else ""),
                shape(first.output_shapes[0]) if first.output_shapes else "",
                count(figures.params) if figures.params else "–",
                at_least(figures.madds, figures.lower_bound),
                count(figures.mac_elements) if figures.mac_elements else "–",
                percent(share) if figures.mac_elements else "–",
                *([duration(ms) if ms else "–", percent(spent) if ms else "–"] if timed else []),
                bar(spent if timed else share),
                *([first.bound or ""] if timed else []),
                *([partial(_shares, classes.get(first.path, {})) if figures is fold.whole else ""] if roomy else []),
                *([partial(ending, lines[fold.path])] if roomy else []),
            ]
        )
    return fitted(columns, cells, view.width)


def _named(fold: Fold, tree: bool) -> tuple[str, str]:
    """Indent and name."""
    together = f" ×{fold.alike}" if fold.alike > 1 else ""
    if tree:
        return "  " * (fold.first.depth - 1), fold.name + together
    several = f" ×{len(fold.layers)}" if len(fold.layers) > 1 else ""
    return "", (fold.path or "(the model itself)") + several


def _line(fold: Fold) -> str:
    source = fold.first.source
    return f"{source.file.rpartition('/')[2]}:{source.line}" if source else ""  # the JSON has the whole path


def _classes(report: Report) -> Mapping[str, Mapping[str, int]]:
    """Memory access by class of operator, of each layer with all inside it."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for operator in report.operators:
        path = operator.layer
        while path:
            found[path][operator.kind] += operator.mac_elements
            path = path.rpartition(".")[0]
    return found


def _shares(classes: Mapping[str, int], width: int) -> Text:
    """Those that cost most, as many as there is room for: ``pointwise-conv 62 %, elementwise 30 %``."""
    whole = sum(classes.values())
    told = ""
    if not whole:  # what is there reads and writes nothing
        return Text()
    for name, access in sorted(classes.items(), key=lambda item: -item[1]):
        longer = f"{told}{', ' if told else ''}{name} {100 * access / whole:.0f} %"
        if cell_len(longer) > width or access < whole / 20:
            break
        told = longer
    return Text(told)

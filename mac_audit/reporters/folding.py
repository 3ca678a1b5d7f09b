"""The rows of a layer table: neighbours that are alike stand together, and what they hold is told once for all.

Figures of a row are those of all its layers, so that a column adds up however much is folded.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from mac_audit.report import LayerRow, Report

_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Fold:
    """One layer, or several that are alike inside and out; ``path`` names them all, as in ``layers.0…47.mlp``."""

    layers: tuple[LayerRow, ...]
    path: str
    name: str
    alike: int  # how many stand together here; those around may be several too

    @property
    def first(self) -> LayerRow:
        """The one whose type, shapes and line are shown."""
        return self.layers[0]

    @cached_property
    def whole(self) -> Figures:
        """With all that is inside."""
        return Figures.of(self.layers, alone=False)

    @cached_property
    def own(self) -> Figures:
        """Their own operators and parameters."""
        return Figures.of(self.layers, alone=True)


@dataclass(frozen=True, slots=True)
class Figures:
    """What layers cost together."""

    params: int
    madds: int
    mac_elements: int
    predicted_ms: float | None
    lower_bound: bool

    @classmethod
    def of(cls, layers: Sequence[LayerRow], alone: bool) -> Figures:
        """The sums over ``layers``."""
        costs = [row.own if alone else row for row in layers]
        times = [cost.predicted_ms for cost in costs if cost.predicted_ms is not None]
        return cls(
            sum(row.own_params if alone else row.params for row in layers),
            sum(cost.madds for cost in costs),
            sum(cost.mac_elements for cost in costs),
            sum(times) if times else None,
            any(cost.lower_bound for cost in costs),
        )


def folds(report: Report, folded: bool = True) -> list[Fold]:
    """The rows, from the model itself inwards; without ``folded`` one for each layer."""
    tree = _Tree(report)
    found: list[Fold] = []
    waiting = [Fold((row,), row.path, row.path, 1) for row in reversed(tree.inside[None])]
    while waiting:  # as deep as a model nests, which Python's stack may not be
        fold = waiting.pop()
        found.append(fold)
        # What is inside one is inside each of them: a column a layer of those that are alike.
        inside = list(zip(*(tree.inside[row.path] for row in fold.layers), strict=True))
        if folded:
            groups = [list(group) for _, group in groupby(inside, lambda rows: tree.alike(rows[0]))]
        else:
            groups = [[rows] for rows in inside]
        waiting += (_together(group, fold.path) for group in reversed(groups))
    return found


def _together(group: Sequence[tuple[LayerRow, ...]], around: str) -> Fold:
    names = [_last(rows[0]) for rows in group]
    name = names[0] if len(names) == 1 else f"{names[0]}{',' if len(names) == 2 else '…'}{names[-1]}"
    layers = tuple(row for rows in group for row in rows)
    return Fold(layers, f"{around}.{name}" if around else name, name, len(group))


def _last(row: LayerRow) -> str:
    return row.path.rpartition(".")[2]


class _Tree:
    """Which layers lie in which, and a number for each kind of layer: alike ones have the same."""

    def __init__(self, report: Report) -> None:
        known = {row.path for row in report.layers}
        self.inside: dict[str | None, list[LayerRow]] = defaultdict(list)
        for row in report.layers:
            self.inside[_around(row.path, known)].append(row)
        self.kinds: dict[str, int] = {}
        numbers: dict[Hashable, int] = {}
        for row in sorted(report.layers, key=lambda row: -row.path.count(".") - bool(row.path)):
            held = tuple((_last(child), self.kinds[child.path]) for child in self.inside[row.path])
            self.kinds[row.path] = numbers.setdefault((_looks(row), held), len(numbers))

    def alike(self, row: LayerRow) -> Hashable:
        """The same for neighbours that can stand together: names that differ in a number alone tell nothing more."""
        return _NUMBER.sub("#", _last(row)), self.kinds[row.path]


def _around(path: str, known: set[str]) -> str | None:
    """The path of the layer around; None of the model itself."""
    if not path:
        return None
    around = path.rpartition(".")[0]
    while around and around not in known:
        around = around.rpartition(".")[0]
    return around if around in known else None


def _looks(row: LayerRow) -> Hashable:
    # Not by its inputs, which are not shown: a cache that goes from block to block grows.
    figures = row.params, row.own_params, row.madds, row.mac_elements, row.mac_bytes, row.calls, row.lower_bound
    return (row.type, row.classes, row.output_shapes, *figures)

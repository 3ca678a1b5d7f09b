"""Report × Report → Diff: what changed from one audit to another, as plain data.

Layers are paired first by path where nothing about them changed, then by what they are (type, shapes, cost) wherever
they stand now, and what is left by path alone. So a layer that is put into a sequence is one that was added, and those
behind it have moved. Figures of layers are what their own operators cost: they add up to the change of the totals.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

from mac_audit.plain import to_plain
from mac_audit.report import ClassCost, Finding, LayerRow, Report, RuleResult, Totals

SCHEMA_VERSION = 1

LayerFigure = Literal["madds", "mac_elements", "mac_bytes", "predicted_ms"]
Kind = Literal["added", "removed", "changed", "moved"]
Presence = Literal["both", "new", "gone"]
_NOTHING = ClassCost(0, 0, 0, 0)  # of a class that one side does not have
_Known = tuple[Hashable, Finding]  # with the rule and the layer, by its path among the new ones


@dataclass(frozen=True, slots=True)
class Change:
    """A figure before and after; None where there was none to measure."""

    old: float | None
    new: float | None

    @property
    def by(self) -> float:
        """What was added to it."""
        return (self.new or 0) - (self.old or 0)

    @property
    def share(self) -> float | None:
        """The same in relation to what it was; None where it was nothing."""
        return self.by / self.old if self.old else None


@dataclass(frozen=True, slots=True)
class LayerChange:
    """A layer before and after; None where it did not exist. A ``moved`` one has another path and is the same."""

    kind: Kind
    old: LayerRow | None
    new: LayerRow | None

    @property
    def path(self) -> str:
        """Where it is, or was."""
        row = self.new or self.old
        return row.path if row else ""

    def change(self, figure: LayerFigure) -> Change:
        """One figure of its own operators; times are None without a device."""
        old, new = (getattr(row.own, figure) if row else 0 for row in (self.old, self.new))
        return Change(old, new)

    @property
    def params(self) -> Change:
        """Its own parameters."""
        return Change(*(row.own_params if row else 0 for row in (self.old, self.new)))


@dataclass(frozen=True, slots=True)
class RuleChange:
    """The verdict of a rule before and after; None where the rule did not run."""

    code: str
    name: str
    old: RuleResult | None
    new: RuleResult | None

    @property
    def changed(self) -> bool:
        """Whether verdict, value or limit is another."""
        old, new = ((rule.verdict, rule.value, rule.limit) if rule else None for rule in (self.old, self.new))
        return old != new

    @property
    def value(self) -> Change:
        """What it measured."""
        return Change(self.old.value if self.old else None, self.new.value if self.new else None)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two reports, in short."""

    name: str
    target: str
    execution: str
    verdict: str
    version: str


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed.

    ``totals`` are by the names of ``Totals``, ``classes`` those of either side, each by the names of ``ClassCost``;
    ``layers`` are those that changed, ``rules`` all of either side.
    ``new_findings`` count now and did not before, ``fixed_findings`` the other way round. ``notes`` say why the two
    reports may not be comparable, ``exceeded`` what grew more than it may (``mac_audit.increase``). Of a model that is
    ``new`` or ``gone`` the other side has its name alone; nothing grew there, and no finding was fixed.
    """

    old: Side
    new: Side
    totals: dict[str, Change]
    classes: dict[str, dict[str, Change]]
    layers: tuple[LayerChange, ...]
    rules: tuple[RuleChange, ...]
    new_findings: tuple[Finding, ...]
    fixed_findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    exceeded: tuple[str, ...] = ()
    presence: Presence = "both"

    @property
    def name(self) -> str:
        """The model's, as it is now."""
        return self.new.name

    def to_json(self) -> str:
        """One JSON document with a final newline."""
        return json.dumps({"schema_version": SCHEMA_VERSION, **to_plain(self)}, indent=1, allow_nan=False) + "\n"


def compare(old: Report, new: Report) -> Diff:
    """What changed from ``old`` to ``new``."""
    pairs = list(_paired(old.layers, new.layers))
    paths = {before.path: after.path if after else None for before, after in pairs if before}
    before = [((f.code, paths.get(f.layer)), f) for f in old.findings if f.suppressed is None]
    after = [((f.code, f.layer), f) for f in new.findings if f.suppressed is None]
    return Diff(
        old=_side(old),
        new=_side(new),
        totals=dict(_figures(old.totals, new.totals)),
        classes={
            name: dict(_figures(old.classes.get(name, _NOTHING), new.classes.get(name, _NOTHING)))
            for name in dict.fromkeys([*old.classes, *new.classes])
        },
        layers=tuple(_changes(pairs)),
        rules=_rules(old, new),
        new_findings=_without(after, before),
        fixed_findings=_without(before, after),
        notes=tuple(_notes(old, new)),
    )


def alone(report: Report, presence: Literal["new", "gone"]) -> Diff:
    """What is to be said of a model that one side lacks."""
    there, missing = _side(report), Side(report.name or report.target, "", "", "", "")
    new = presence == "new"
    pairs = [(None, row) if new else (row, None) for row in report.layers]
    return Diff(
        old=missing if new else there,
        new=there if new else missing,
        totals=dict(_figures(*((None, report.totals) if new else (report.totals, None)))),
        classes={
            name: dict(_figures(*((None, cost) if new else (cost, None)))) for name, cost in report.classes.items()
        },
        layers=tuple(_changes(pairs)),
        rules=_rules(*((None, report) if new else (report, None))),
        new_findings=tuple(finding for finding in report.findings if finding.suppressed is None) if new else (),
        fixed_findings=(),
        notes=(f"{there.name} is {presence}, there is nothing to compare it with",),
        presence=presence,
    )


def _figures(old: Totals | ClassCost | None, new: Totals | ClassCost | None) -> Iterator[tuple[str, Change]]:
    """The fields that are numbers, those that neither side has left out: a time needs a device, a figure a model."""
    there = old or new
    assert there is not None
    for field in fields(there):
        change = Change(*(getattr(side, field.name) if side else None for side in (old, new)))
        if field.type != "bool" and (change.old, change.new) != (None, None):
            yield field.name, change


def _rules(old: Report | None, new: Report | None) -> tuple[RuleChange, ...]:
    rules = [{rule.code: replace(rule, help="") for rule in report.rules} if report else {} for report in (old, new)]
    names = {code: rule.name for side in rules for code, rule in side.items()}
    return tuple(RuleChange(code, name, rules[0].get(code), rules[1].get(code)) for code, name in names.items())


def _side(report: Report) -> Side:
    return Side(report.name or report.target, report.target, report.execution, report.verdict, report.version)


def _is(row: LayerRow) -> Hashable:
    """What a layer is, wherever it stands."""
    return (row.type, row.input_shapes, row.output_shapes, row.calls, row.own_params, row.own)


def _paired(old: Sequence[LayerRow], new: Sequence[LayerRow]) -> Iterator[tuple[LayerRow | None, LayerRow | None]]:
    """Each layer of either side once, with its partner; in the order of the new ones, removed ones last."""
    left = {row.path: row for row in old}
    partners: dict[str, LayerRow] = {}
    for row in new:
        if row.path in left and _is(left[row.path]) == _is(row):
            partners[row.path] = left.pop(row.path)
    alike: defaultdict[Hashable, deque[LayerRow]] = defaultdict(deque)
    for row in left.values():
        alike[_is(row)].append(row)
    for row in new:
        if row.path not in partners and alike[_is(row)]:
            partners[row.path] = left.pop(alike[_is(row)].popleft().path)
    for row in new:
        if row.path not in partners and row.path in left:
            partners[row.path] = left.pop(row.path)
    for row in new:
        yield partners.get(row.path), row
    for row in left.values():
        yield row, None


def _changes(pairs: Sequence[tuple[LayerRow | None, LayerRow | None]]) -> Iterator[LayerChange]:
    for old, new in pairs:
        if old is None or new is None:
            yield LayerChange("added" if old is None else "removed", old, new)
        elif _is(old) != _is(new):
            yield LayerChange("changed", old, new)
        elif old.path != new.path:
            yield LayerChange("moved", old, new)


def _without(findings: Sequence[_Known], others: Sequence[_Known]) -> tuple[Finding, ...]:
    """The findings that have no counterpart among the others."""
    left = Counter(key for key, _ in others)
    found = []
    for key, finding in findings:
        if left[key]:
            left[key] -= 1
        else:
            found.append(finding)
    return tuple(found)


def _notes(old: Report, new: Report) -> Iterator[str]:
    for name in ("execution", "flop_convention", "version"):
        if (before := getattr(old, name)) != (after := getattr(new, name)):
            yield f"{name.replace('_', ' ')} {before} is compared with {after}"
    devices = [report.device.name if report.device else "no device" for report in (old, new)]
    if devices[0] != devices[1]:
        yield f"times on {devices[0]} are compared with those on {devices[1]}"
    if [(t.shape, t.dtype) for t in old.inputs] != [(t.shape, t.dtype) for t in new.inputs]:
        yield "the inputs are not the same: figures differ also where the model does not"
    for which, report in (("old", old), ("new", new)):
        if report.totals.lower_bound:
            yield f"the totals of the {which} one are a lower bound: operators without a formula"

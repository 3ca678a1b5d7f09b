"""How much a figure may grow from one audit to the next: ``mac:2%``, ``params:10 K``, ``G1:0.01``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mac_audit.diff import Change, Diff
from mac_audit.errors import MacAuditError, nearest
from mac_audit.units import Unit, amount, percent, quantity

_SHORT = {"mac": "mac_elements", "time": "predicted_ms"}  # the words that tables use


@dataclass(frozen=True, slots=True)
class Allowance:
    """A figure of the totals or the code of a rule, and by how much it may grow: a share of what it was, or a number.

    Without ``unit`` the number is in the figure's own; a time needs one.
    """

    figure: str
    at_most: float
    relative: bool = False
    unit: Unit | None = None


def allowance(text: str) -> Allowance:
    """Read ``FIGURE:GROWTH``, with growth in percent or in a unit; without growth none is allowed."""
    figure, _, growth = (part.strip() for part in text.partition(":"))
    figure = _SHORT.get(figure, figure)
    if not growth:
        return Allowance(figure, 0)
    if growth.endswith("%"):
        try:
            return Allowance(figure, float(growth[:-1]) / 100, relative=True)
        except ValueError:
            raise MacAuditError(f"{text!r} has no percentage; write it like mac:2%.") from None
    allowed = quantity(growth, f"{text!r}")
    return Allowance(figure, allowed.number, unit=None if allowed.unit == "count" else allowed.unit)


def limited(diff: Diff, allowances: Sequence[Allowance]) -> Diff:
    """The diff with a sentence for each figure that grew by more than it may; a model on one side alone did not grow.

    ``MacAuditError`` for a figure that is not there.
    """
    if diff.presence != "both":
        return diff
    figures = _figures(diff)
    return replace(diff, exceeded=tuple(told for allowed in allowances if (told := _told(allowed, figures))))


def _figures(diff: Diff) -> dict[str, tuple[Change, Unit]]:
    totals = dict(_total(name, change) for name, change in diff.totals.items())
    rules = {change.code: (change.value, rule.unit) for change in diff.rules if (rule := change.new or change.old)}
    return totals | rules


def _total(name: str, change: Change) -> tuple[str, tuple[Change, Unit]]:
    if name.endswith("_ms"):
        old, new = (None if number is None else number / 1000 for number in (change.old, change.new))
        return name, (Change(old, new), "seconds")
    return name, (change, "bytes" if name.endswith("_bytes") else "count")


def _told(allowed: Allowance, figures: Mapping[str, tuple[Change, Unit]]) -> str:
    if allowed.figure not in figures:
        known = [*_SHORT, *figures]
        raise MacAuditError(
            f"There is no figure {allowed.figure!r} to compare; choose one of {', '.join(known)}."
            f"{nearest(allowed.figure, known)}"
        )
    change, unit = figures[allowed.figure]
    if allowed.at_most and not allowed.relative and allowed.unit != unit and (allowed.unit or unit == "seconds"):
        given = allowed.unit or "no unit"
        raise MacAuditError(f"{allowed.figure} is measured in {unit}, but may grow by {given}; give the same.")
    limit = allowed.at_most * (change.old or 0) if allowed.relative else allowed.at_most
    if change.by <= limit:
        return ""
    old, new, by = (amount(number or 0, unit) for number in (change.old, change.new, change.by))
    share = f", {percent(change.share)}" if change.share is not None else ""
    allowance = percent(allowed.at_most) if allowed.relative else amount(limit, unit)
    return f"{allowed.figure} grew from {old} to {new} by {by}{share}; allowed is {allowance}"

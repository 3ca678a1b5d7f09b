"""Baseline: the findings that a project lives with, so that only new and worse ones count.

An entry is found again by its fingerprint (``mac_audit.fingerprint``). Where a place changed, its finding takes the
place of an entry of the same rule and path (indices left open) that is gone; then it counts only if it is worse than
``TOLERANCE`` allows. Worse is what would save more memory access, or, where nothing would be saved, has a larger value.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mac_audit.errors import MacAuditError
from mac_audit.files import one_at_a_time, read, write_whole
from mac_audit.fingerprint import open_path
from mac_audit.plain import Amount, from_plain, parse_versioned, to_plain
from mac_audit.report import Finding, Report, Suppression, with_findings

SCHEMA_VERSION = 1
DEFAULT = "mac-audit-baseline.json"
# This project's choice: rounding is no regression, more than one per cent of a place's saving is.
TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class Entry:
    """A finding as it was; ``saving`` is memory access in elements."""

    code: str
    layer: str
    fingerprint: str
    value: Amount
    saving: int

    @property
    def place(self) -> tuple[str, str]:
        """What it shares with findings at the same place."""
        return self.code, open_path(self.layer)

    def tolerates(self, finding: Finding) -> bool:
        """Whether ``finding`` is no worse than this."""
        if finding.fingerprint == self.fingerprint:
            return True
        if self.saving or finding.saving.mac_elements:
            return finding.saving.mac_elements <= self.saving * (1 + TOLERANCE)
        return finding.value <= self.value * (1 + TOLERANCE)


@dataclass(frozen=True, slots=True)
class Baseline:
    """Entries by the name of the model."""

    models: dict[str, tuple[Entry, ...]] = field(default_factory=dict)


def load(file: str) -> Baseline:
    """The baseline in ``file``; ``MacAuditError`` says what is wrong with it."""
    text = read(_path(file), f"The baseline {file}", "--write-baseline writes one")
    return from_plain(Baseline, parse_versioned(text, SCHEMA_VERSION, file), file)


def update(file: str, change: Callable[[Baseline], Baseline]) -> None:
    """Write into ``file``, which is new or a baseline already, what ``change`` makes of what is in it at that moment.

    Another run may have written entries of other models since it was last read; they stay.
    """
    path = _path(file)
    with one_at_a_time(path):
        baseline = change(load(file) if os.path.lexists(path) else Baseline())
        models = dict(sorted(baseline.models.items()))
        document = {"schema_version": SCHEMA_VERSION, **to_plain(Baseline(models))}
        write_whole(path, json.dumps(document, indent=1) + "\n")  # people read it: nothing in it hides


def recorded(baseline: Baseline, reports: Sequence[Report]) -> Baseline:
    """``baseline`` with the findings of ``reports`` that count in place of what it had of these models and rules."""
    models = dict(baseline.models)
    for report in reports:
        left = (entry for entry in models.get(report.name, ()) if entry.code not in _judged(report))
        models[report.name] = (*left, *map(_entry, _counted(report)))
    return Baseline(models)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A report against the ``entries`` of its model.

    ``known`` are findings with the entries that tolerate them, ``worse`` those with entries that do not; ``gone`` are
    entries that no longer occur. An entry of a rule that did not run, or crashed, is none of these.
    """

    report: Report
    entries: tuple[Entry, ...]
    known: dict[Entry, Finding]
    worse: dict[Entry, Finding]
    gone: tuple[Entry, ...]

    @property
    def judged(self) -> Report:
        """The report with what is known suppressed, and notes of what is worse and what is gone."""
        known = {finding.fingerprint for finding in self.known.values()}
        findings = [
            replace(finding, suppressed=Suppression("baseline")) if finding.fingerprint in known else finding
            for finding in self.report.findings
        ]
        notes = [f"worse than in the baseline: {entry.code} at {_place(entry)}." for entry in self.worse]
        notes += [f"in the baseline, but no longer found: {entry.code} at {_place(entry)}." for entry in self.gone]
        if self.gone:
            notes.append("--prune-baseline takes what is no longer found out of the baseline.")
        return with_findings(replace(self.report, notes=(*self.report.notes, *notes)), findings)

    @property
    def pruned(self) -> tuple[Entry, ...]:
        """The model's entries without those that are gone, and with those that got better as they are now."""
        better = {entry: _entry(finding) for entry, finding in self.known.items()}
        return tuple(better.get(entry, entry) for entry in self.entries if entry not in self.gone)


def compare(report: Report, baseline: Baseline) -> Comparison:
    """``report`` against the entries of its model."""
    entries = baseline.models.get(report.name, ())
    left = {entry.fingerprint: entry for entry in entries if entry.code in _judged(report)}
    changed = []
    known: dict[Entry, Finding] = {}
    worse: dict[Entry, Finding] = {}
    for finding in _counted(report):
        if finding.fingerprint in left:
            known[left.pop(finding.fingerprint)] = finding
        else:
            changed.append(finding)
    for found, tolerated in ((known, True), (worse, False)):
        for finding in sorted(changed, key=_weight, reverse=True):
            fitting = [e for e in left.values() if e.place == _open(finding) and e.tolerates(finding) is tolerated]
            if fitting:
                entry = min(fitting, key=lambda entry: (entry.saving, entry.value))
                found[left.pop(entry.fingerprint)] = finding
                changed.remove(finding)
    return Comparison(report, entries, known, worse, tuple(left.values()))


def _judged(report: Report) -> set[str]:
    return {rule.code for rule in report.rules if rule.verdict != "error"}


def _counted(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.suppressed is None]


def _entry(finding: Finding) -> Entry:
    return Entry(finding.code, finding.layer, finding.fingerprint, finding.value, finding.saving.mac_elements)


def _open(finding: Finding) -> tuple[str, str]:
    return finding.code, open_path(finding.layer)


def _weight(finding: Finding) -> tuple[int, float]:
    return finding.saving.mac_elements, finding.value


def _place(entry: Entry) -> str:
    return entry.layer or "the model"


def _path(file: str) -> Path:
    """``file``, which has to end in ``.json``: an option without its file takes the argument behind it for one."""
    if not file.endswith(".json"):
        raise MacAuditError(f"{file} is no name for a baseline: it ends in .json; write targets before the option.")
    return Path(file)

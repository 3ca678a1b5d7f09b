"""What a report complains of, as every format tells it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mac_audit.evidence import Evidence
from mac_audit.report import Finding, Line, Report, RuleResult, Severity
from mac_audit.units import amount, count, duration, percent, size

_FILE = re.compile(r"(?P<file>.+\.(?:py|pt2|json))(?::\w+)?")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an audit is not the whole truth: none was made, a rule crashed (``rule``), or nobody knows an operator."""

    kind: str
    severity: Severity
    message: str
    lines: tuple[Line, ...] = ()
    rule: str = ""


def problems(report: Report) -> tuple[Finding, ...]:
    """The findings that count; a rule that fails has at least one."""
    return tuple(finding for finding in report.findings if finding.suppressed is None)


def suppressed(report: Report) -> tuple[Finding, ...]:
    """The findings that do not count."""
    return tuple(finding for finding in report.findings if finding.suppressed is not None)


def troubles(report: Report) -> tuple[Trouble, ...]:
    """What could not be audited, judged or counted."""
    if report.error:
        return (Trouble("not-audited", "error", report.error),)
    crashed = (
        Trouble("crashed-rule", "error", f"the rule {rule.code} crashed: {rule.reason}", rule=rule.code)
        for rule in report.errors
    )
    unknown = (
        Trouble(
            "unknown-operator",
            "warning",
            f"{entry.target} ×{entry.count} is unknown: its arithmetic is not counted, or not all, and totals are a"
            " lower bound",
            entry.sources,
        )
        for entry in report.coverage.unknown
    )
    return *crashed, *unknown


def measured(rule: RuleResult) -> tuple[str, str]:
    """Value and limit in the rule's unit; nothing where it was not measured."""
    if rule.value is None or rule.limit is None:
        return "", ""
    limit = f"{rule.limit:g}" if rule.unit == "ratio" else amount(rule.limit, rule.unit)
    return amount(rule.value, rule.unit), limit


def by_line(findings: Sequence[Finding]) -> list[tuple[Finding, ...]]:
    """Places that one line made are told together; within a rule the line that saves most comes first."""
    lines: dict[tuple[str, Line | str], list[Finding]] = {}
    for finding in findings:
        lines.setdefault((finding.code, finding.source or finding.message), []).append(finding)
    return sorted(map(tuple, lines.values()), key=lambda found: (found[0].code, -_saved_elements(found)))


def places(findings: Sequence[Finding]) -> str:
    """``features.0 and 2 more``: layers, however many operators of each were found."""
    first, *others = dict.fromkeys(finding.layer for finding in findings)
    return f"{first or 'the model'} and {len(others)} more" if others else first or "the model"


def line_named(findings: Sequence[Finding]) -> str:
    """``net.py:10``; nothing for the model as a whole, which needs no line."""
    first = findings[0]
    if first.source is None:
        return "line not known" if first.layer else ""
    return f"{first.source.file}:{first.source.line}"


def place(finding: Finding) -> str:
    """``net.py:10:23``, with the column where that is known, both from 1; nothing where the line is not known."""
    if finding.source is None:
        return "line not known" if finding.layer else ""
    column = f":{finding.snippet.column}" if finding.snippet is not None and finding.snippet.column else ""
    return f"{finding.source.file}:{finding.source.line}{column}"


def saves(findings: Sequence[Finding]) -> str:
    """``saves 168 K of MAC, 671 KB, 5.5 % of the model's``, or nothing."""
    saving = _saving(findings)
    return f"saves {saving}" if saving else ""


def explained(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """What to write instead at one line, what that saves, and what an experiment showed: a label and a text each."""
    texts = {
        "instead": findings[0].instead,
        "saves": _saving(findings),
        "predicted": _saved_time(findings),
        "measured": _measured(findings[0].evidence),
    }
    return [(label, text) for label, text in texts.items() if text]


def told(findings: Sequence[Finding]) -> list[str]:
    """What is wrong at one line, what to write instead and what that saves, a line of text each."""
    return [findings[0].message, *(f"{label} {text}" for label, text in explained(findings))]


def line_of(finding: Finding, report: Report) -> Line | None:
    """The line to edit; without one, the first of the file that was audited, if it was a file."""
    return finding.source or start_of(report)


def start_of(report: Report) -> Line | None:
    """The first line of the file that the target names; None for a target that is no file."""
    match = _FILE.fullmatch(report.target)
    return Line(match["file"], 1) if match else None


def _saved_elements(findings: Sequence[Finding]) -> int:
    return sum(finding.saving.mac_elements for finding in findings)


def _saving(findings: Sequence[Finding]) -> str:
    if not (elements := _saved_elements(findings)):
        return ""
    bytes_saved = size(sum(finding.saving.mac_bytes for finding in findings))
    share = percent(sum(finding.saving.share for finding in findings))
    return f"{count(elements)} of MAC, {bytes_saved}, {share} of the model's"


def _saved_time(findings: Sequence[Finding]) -> str:
    """Nothing where no device was named."""
    times = [ms for finding in findings if (ms := finding.saving.predicted_ms) is not None]
    return f"to save {duration(sum(times))}" if times else ""


def _measured(evidence: Evidence | None) -> str:
    """``widths 1:6 took 10.3 % more time than equal widths at the same multiply-adds, on snapdragon-810 (…)``."""
    if evidence is None:
        return ""
    more = evidence.longer >= 0
    ends = sorted(share if more else -share for share in evidence.within or ())
    within = f" ({' to '.join(map(percent, ends))})" if ends else ""
    took = f"{percent(abs(evidence.longer))}{within} {'more' if more else 'less'} time"
    where = f"{evidence.source}, {evidence.width} channels"
    return f"{evidence.what} took {took} than {evidence.than} at the same multiply-adds, on {evidence.device} ({where})"

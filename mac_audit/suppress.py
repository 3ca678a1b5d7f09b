"""Findings that do not count, by a comment on a line or by the path of a layer in the configuration.

They stay in the report, with the reason. What suppresses nothing is told, so that it can be removed.
"""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from mac_audit.comments import Comment, read
from mac_audit.errors import MacAuditError
from mac_audit.files import read_bytes
from mac_audit.network import Source
from mac_audit.profile import Profile
from mac_audit.report import Finding, Report, Suppression, with_findings
from mac_audit.rule import Rule, find

LARGEST = 10_000_000  # bytes of a Python file


@dataclass(frozen=True, slots=True)
class LayerIgnore:
    """Findings at the layers whose paths match ``path`` do not count; ``*`` in it stands for any text, dots too.

    ``rules`` are codes or names, none for all.
    """

    path: str
    reason: str
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Use:
    """Whether a suppression suppressed something. ``problem`` says what to tell where it did not, in any model."""

    place: str
    used: bool
    problem: str


@dataclass(frozen=True, slots=True)
class _Silence:
    """A suppression of either kind: ``codes`` are the rules, None for all; ``lines`` or ``path`` say where."""

    place: str
    suppression: Suppression
    codes: frozenset[str] | None
    path: str = ""
    file: str = ""
    lines: tuple[int, int] = (0, 0)

    def covers(self, finding: Finding, sources: Iterable[Source]) -> bool:
        if self.codes is not None and finding.code not in self.codes:
            return False
        if not self.file:
            return fnmatchcase(finding.layer, self.path)
        return any(source.file == self.file and self.lines[0] <= source.line <= self.lines[1] for source in sources)


def suppressed(
    report: Report, profile: Profile, rules: Sequence[Rule], ignores: Sequence[LayerIgnore]
) -> tuple[Report, tuple[Use, ...]]:
    """``report`` with what is suppressed marked so, and the use that each suppression was of.

    ``rules`` are all that are known. A suppression of which no rule ran is neither used nor unused.
    """
    silences: list[_Silence] = []
    uses: list[Use] = []
    for comment, file in _comments(profile):
        place = str(Source(file, comment.line))
        unknown = [name for name in comment.rules if _code(rules, name) is None]
        if not comment.valid:
            uses.append(Use(place, False, "is not understood; write # mac-audit: ignore[G1] reason"))
            continue
        if unknown:
            uses.append(Use(f"{place} [{unknown[0]}]", False, f"names no rule: there is no {unknown[0]!r}"))
        codes = _codes(rules, comment.rules)
        reason = Suppression("comment", comment.reason)
        silences.append(_Silence(place, reason, codes, file=file, lines=comment.lines))
    for ignore in ignores:
        codes = _codes(rules, ignore.rules)
        place = f"ignore of {ignore.path!r}" + (f" for {', '.join(ignore.rules)}" if ignore.rules else "")
        silences.append(_Silence(place, Suppression("config", ignore.reason), codes, path=ignore.path))
    used: set[_Silence] = set()
    findings = tuple(_judged(finding, profile, silences, used) for finding in report.findings)
    ran = {rule.code for rule in report.rules if rule.verdict != "error"}
    uses += [
        Use(silence.place, silence in used, "suppresses nothing; remove it")
        for silence in silences
        if (silence.codes is None and ran) or (silence.codes is not None and silence.codes & ran)
    ]
    return with_findings(report, findings), tuple(uses)


def unused(uses: Iterable[Use]) -> list[str]:
    """What to tell of the suppressions that suppressed nothing in any model, each a sentence with its place."""
    uses = list(uses)
    used = {use.place for use in uses if use.used}
    return list(dict.fromkeys(f"{use.place}: {use.problem}" for use in uses if use.place not in used))


def _judged(finding: Finding, profile: Profile, silences: Sequence[_Silence], used: set[_Silence]) -> Finding:
    sources = list(_sources(finding, profile))
    covering = [silence for silence in silences if silence.covers(finding, sources)]
    used.update(covering)
    return replace(finding, suppressed=covering[0].suppression) if covering else finding


def _sources(finding: Finding, profile: Profile) -> Iterator[Source]:
    """The line that the finding names, the one that constructed its layer, and those that call it."""
    if finding.source is not None:
        yield Source(str(Path(finding.source.file).absolute()), finding.source.line)
    layer = profile.layer.get(finding.layer)
    if layer is not None and layer.source is not None:
        yield layer.source
    if finding.layer:  # the model itself has no call
        yield from profile.called_from.get(finding.layer, ())


def _comments(profile: Profile) -> Iterator[tuple[Comment, str]]:
    """Those in the top-level statements, classes and functions mostly, from which the model was built or called."""
    touched: dict[str, set[int]] = {}
    for layer in profile.captured.layers:
        for source in layer.sources:
            touched.setdefault(source.file, set()).add(source.line)
    for operator in profile.captured.operators:
        if operator.source is not None:
            touched.setdefault(operator.source.file, set()).add(operator.source.line)
    for file in sorted(touched):
        try:
            content = read_bytes(file, LARGEST)
            encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)  # a byte-order mark is part of it
            text = content.decode(encoding)
        except (OSError, SyntaxError, ValueError, LookupError):
            continue  # a saved network can name files of another machine, and what is no Python
        for comment in read(text):
            if any(comment.block[0] <= line <= comment.block[1] for line in touched[file]):
                yield comment, file


def _codes(rules: Sequence[Rule], names: Sequence[str]) -> frozenset[str] | None:
    """The codes of the rules that are named; None, for all, where none is."""
    return frozenset(filter(None, (_code(rules, name) for name in names))) if names else None


def _code(rules: Sequence[Rule], name: str) -> str | None:
    try:
        return find(rules, name).code
    except MacAuditError:
        return None

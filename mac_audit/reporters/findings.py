"""Findings as a good compiler tells its errors: what, where, the line of code, what to write instead, what it saves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import RenderableType
from rich.text import Text

from mac_audit.report import SEVERITIES, Finding, Report, Snippet
from mac_audit.reporters import View
from mac_audit.reporters.problems import by_line, explained, place, places, problems, suppressed
from mac_audit.reporters.terminal import STYLES, ending, heading, paragraph

LINES = 6  # of code that are shown for one rule, without --verbose
_INDENT = 2


def findings(report: Report, view: View) -> Iterator[RenderableType]:
    """Rule by rule, those first that save most; of each the lines of code that save most."""
    groups = _worst_first(by_line(problems(report)))
    if groups:
        yield heading("Findings", "what to mend, worst first")
    reasons = {rule.code: (rule.name, summary(rule.help)) for rule in report.rules}
    of_rule = Counter(group[0].code for group in groups)
    shown: Counter[str] = Counter()
    for group in groups:
        code = group[0].code
        if not shown[code]:
            yield Text()
            yield _why(group[0], *reasons.get(code, ("", "")))
        shown[code] += 1
        if shown[code] <= LINES or view.detail == "verbose":
            yield Text()
            yield from diagnostic(group, view)
        elif shown[code] == of_rule[code]:
            more = of_rule[code] - LINES
            yield Text(f"\n  … and {more} more of {of_rule[code]} lines of {code}: --verbose shows them", style="dim")
    if counts := Counter(finding.suppressed.by for finding in suppressed(report) if finding.suppressed):
        yield Text(f"\n  suppressed: {', '.join(f'{n} by {by}' for by, n in sorted(counts.items()))}", style="dim")


def _worst_first(groups: Sequence[tuple[Finding, ...]]) -> list[tuple[Finding, ...]]:
    """Rule by rule: those that weigh more, then those whose findings save more."""
    saving: Counter[str] = Counter()
    for group in groups:
        saving[group[0].code] += sum(finding.saving.mac_elements for finding in group)
    weight = SEVERITIES.index
    return sorted(groups, key=lambda group: (weight(group[0].severity), -saving[group[0].code], group[0].code))


def summary(help: str) -> str:
    """The first paragraph of a rule's documentation, which is cleaned: on one line."""
    return help.partition("##")[0].strip()


def _why(worst: Finding, name: str, why: str) -> Text:
    weight = "" if worst.severity == "error" else f" ({worst.severity})"
    title = f"{worst.code} {name}".rstrip(), STYLES[worst.severity]
    return Text.assemble(title, weight, (f"  {why}".rstrip(), "dim"))


def diagnostic(group: Sequence[Finding], view: View) -> Iterator[RenderableType]:
    """What one line of code is blamed for."""
    worst = group[0]
    number = str(worst.source.line) if worst.source else ""
    gutter = " " * (_INDENT + len(number))
    yield paragraph(f"{worst.code}  ", worst.message, _INDENT, view.width, (STYLES[worst.severity], "bold"))
    where = "  ".join(filter(None, (place(worst), places(group))))
    yield paragraph("--> ", where, len(gutter), view.width)
    if worst.snippet is not None:
        yield Text(f"{gutter} |", style="dim")
        numbered = f"{' ' * _INDENT}{number} | "
        yield from _code(worst.snippet, numbered, f"{gutter} | ", STYLES[worst.severity], view.width)
        yield Text(f"{gutter} |", style="dim")
    told = explained(group)
    if view.detail == "verbose" and len(group) > 1:
        told = [*told, ("layers", ", ".join(dict.fromkeys(finding.layer or "the model" for finding in group)))]
    widest = max((len(label) for label, _ in told), default=0)
    for label, text in told:
        yield paragraph(f"= {label:{widest}}  ", text, len(gutter) + 1, view.width)


def _code(snippet: Snippet, numbered: str, gutter: str, style: str, width: int) -> Iterator[Text]:
    """The line without its indent, and marks below the expression; of a line that is too long what is around that."""
    room = max(width - cell_len(gutter), 20)
    before, marked, after = snippet.before.lstrip(), snippet.marked, snippet.after.rstrip()
    if not before:
        marked = marked.lstrip()
    if cell_len(before) + cell_len(marked) > room:
        before = ending(before, max(room - cell_len(marked), room // 4)).plain
    line = Text(before + marked + after)
    line.truncate(room, overflow="ellipsis")
    yield Text.assemble((numbered, "dim"), line)
    if marked:
        start = cell_len(before)
        yield Text.assemble((gutter, "dim"), " " * start, ("^" * max(1, min(cell_len(marked), room - start)), style))


def one_liners(report: Report) -> Iterator[Text]:
    """A line for each line of code that is blamed: place, rule, layer, message."""
    for group in by_line(problems(report)):
        worst = group[0]
        where = f"{place(worst) or report.name}: "
        yield Text.assemble(where, (worst.code, STYLES[worst.severity]), f" {places(group)}: {worst.message}")

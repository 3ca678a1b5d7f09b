"""Outcomes as text: a line in the terminal, and the page docs/coverage.md."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from statistics import median

from tests.corpus.outcome import Outcome

REAL = "real tensors"  # the last step of the ladder, in capture.method
LIBRARIES = ("torch", "torchvision", "transformers", "diffusers")

LEGEND = """\
- **captured**: by which step `forward` was followed; a later step is tried where those before it fail.
- **exact**, **unknown**: operators with and without a formula; views and the like cost nothing and are left out.
- **oracle**: multiply-adds ÷ half of what `torch.utils.flop_counter` counts on meta tensors or, where `forward` looks
  at values, on real ones, with attention in its math form, the fast path of `nn.MultiheadAttention` and oneDNN off.
  What the counter takes for 0 though it is made of products (those of experts, above all) has a formula of its own in
  `tests/corpus/oracle.py`; a quantised model is held against its twin in floating point.
- **seconds** of building and auditing, on one thread beside another, in a process that has torch imported."""

Families = Mapping[str, Sequence[Outcome]]


def line(outcome: Outcome) -> str:
    """One outcome for the terminal."""
    if not outcome.captured:
        return f"{outcome.name:56} {outcome.error}"
    unknown = f"  unknown {_unknown(outcome)}" if outcome.unknown else ""
    return f"{outcome.name:56} {outcome.method:24} {_agreement(outcome):>10} {outcome.seconds:6.2f} s{unknown}"


def page(families: Families, command: str) -> str:
    """The page, in Markdown."""
    return "\n".join([*_head(command), *_summary(families), "", *_shortfalls(families), *_tables(families)]) + "\n"


def summary(families: Families) -> str:
    """The summary alone."""
    return "\n".join(_summary(families))


def _head(command: str) -> list[str]:
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return [
        "# Coverage",
        "",
        "What mac-audit makes of models that were not written for it, and how its multiply-adds compare with a count"
        " that is not its own. Written by",
        "",
        "```sh",
        command,
        "```",
        "",
        f"on {datetime.date.today().isoformat()}, with {versions}.",
        "",
        LEGEND,
        "",
    ]


def _summary(families: Families) -> list[str]:
    rows = [
        "| | models | captured | without real tensors | operators exact | equal to the oracle | median seconds |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    everything = [outcome for outcomes in families.values() for outcome in outcomes]
    for name, outcomes in (*families.items(), ("all", everything)):
        if outcomes:
            rows.append(f"| {name} | {len(outcomes)} | {' | '.join(_shares(outcomes))} |")
    return rows


def _shares(outcomes: Sequence[Outcome]) -> list[str]:
    captured = [outcome for outcome in outcomes if outcome.captured]
    light = [outcome for outcome in captured if not outcome.method.startswith(REAL)]
    exact = sum(outcome.exact for outcome in captured)
    unknown = sum(count for outcome in captured for _, count in outcome.unknown)
    compared = [outcome for outcome in captured if outcome.agrees is not None]
    equal = [outcome for outcome in compared if outcome.agrees]
    return [
        _share(len(captured), len(outcomes)),
        _share(len(light), len(outcomes)),
        _share(exact, exact + unknown),
        f"{_share(len(equal), len(compared))} of {len(compared)}",
        f"{median(outcome.seconds for outcome in captured):.2f}" if captured else "–",
    ]


def _share(part: int, whole: int) -> str:
    """In per cent; never rounded up to all of it."""
    if not whole:
        return "–"
    return "100 %" if part == whole else f"{min(100 * part / whole, 99.99):.4g} %"


def _shortfalls(families: Families) -> list[str]:
    outcomes = [outcome for outcomes in families.values() for outcome in outcomes]
    unknown: Counter[str] = Counter()
    callers: dict[str, list[str]] = {}
    for outcome in outcomes:
        for target, count in outcome.unknown:
            unknown[target] += count
            callers.setdefault(target, []).append(outcome.name)
    sections = {
        "Not captured": [f"{o.name}: {_portable(o.error)}" for o in outcomes if not o.captured],
        "Captured on real tensors alone": [
            f"{o.name}: {_portable(o.fallback)}" for o in outcomes if o.method.startswith(REAL)
        ],
        "Different from the oracle": [
            f"{o.name}: {o.madds:,} multiply-adds, expected {o.expected:,} ({o.source})"
            for o in outcomes
            if o.agrees is False
        ],
        "Not compared": [f"{o.name}: {o.source}" for o in outcomes if o.captured and o.agrees is None],
        "Operators without a formula": [
            f"`{target}`, {count} calls: {', '.join(callers[target])}" for target, count in unknown.most_common()
        ],
    }
    lines = []
    for title, items in sections.items():
        lines += [f"## {title}", "", *([f"- {item}" for item in items] or ["Nothing."]), ""]
    return lines


def _tables(families: Families) -> list[str]:
    lines = []
    for name, outcomes in families.items():
        lines += [
            f"## {name}",
            "",
            "| model | captured | exact | unknown | multiply-adds | oracle | seconds |",
            "|---|---|---:|---:|---:|---:|---:|",
            *map(_row, outcomes),
            "",
        ]
    return lines[:-1]


def _row(outcome: Outcome) -> str:
    if not outcome.captured:
        return f"| {outcome.name} | no | | | | | {outcome.seconds:.2f} |"
    unknown = sum(count for _, count in outcome.unknown)
    return (
        f"| {outcome.name} | {outcome.method} | {outcome.exact} | {unknown} | {outcome.madds:,}"
        f" | {_agreement(outcome)} | {outcome.seconds:.2f} |"
    )


def _agreement(outcome: Outcome) -> str:
    if outcome.agrees is None:
        return "–"
    if outcome.agrees:
        return "1"
    assert outcome.madds is not None
    return f"{outcome.madds / outcome.expected:.6g}" if outcome.expected else f"{outcome.madds:,} : 0"


def _portable(sentence: str) -> str:
    """Without the place where libraries are installed here."""
    return re.sub(r"\S*site-packages/", "", sentence)


def _unknown(outcome: Outcome) -> str:
    return ", ".join(f"{target} × {count}" for target, count in outcome.unknown)

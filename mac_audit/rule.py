"""What a rule is.

A rule is a function of a ``Profile`` with a code and a name. Its docstring is its documentation, its keyword-only
parameters are its options, with their defaults; it returns a ``Measure``, or ``NotApplicable`` with the reason::

    @rule("X1", "too-deep")
    def too_deep(profile: Profile, *, limit: float = 100) -> Outcome:
        \"\"\"No more than a hundred layers.\"\"\"
        return Measure(len(profile.layers), limit, measure="layers")

Rules are found by the entry-point group ``mac_audit.rules``, the built-in ones like anybody's.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, TypeVar

from mac_audit.errors import MacAuditError
from mac_audit.network import Source
from mac_audit.profile import Profile

GROUP = "mac_audit.rules"
P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Violation:
    """A place that a rule blames, worst first in ``Measure.violations``.

    ``source`` is the line to edit (``Profile.line_of``). ``avoidable`` is memory access in elements that the
    counterfactual, with the same multiply-adds, would save; ``avoidable_bytes`` the same in bytes. ``value`` is the
    place's own share in the measure.
    """

    layer: str
    source: Source | None
    message: str
    instead: str
    value: float
    avoidable: float
    avoidable_bytes: float
    counterfactual: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measure:
    """What was measured; the rule fails where ``value`` exceeds ``limit``. ``measure`` says what the value is.

    With ``negligible`` it passes all the same: nothing that could be mended would save enough to be worth it.
    """

    value: float
    limit: float
    violations: tuple[Violation, ...] = ()
    measure: str = ""
    negligible: bool = False


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """The model has nothing of what the rule judges."""

    reason: str


Outcome = Measure | NotApplicable


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as the engine sees it."""

    code: str
    name: str
    check: Callable[..., Outcome]

    def __call__(self, profile: Profile, **options: Any) -> Outcome:
        return self.check(profile, **options)


def rule(code: str, name: str) -> Callable[[Callable[..., Outcome]], Rule]:
    """Make a rule of the decorated function."""

    def make(check: Callable[..., Outcome]) -> Rule:
        return Rule(code, name, check)

    return make


def discover() -> tuple[Rule, ...]:
    """Every installed rule, by code."""
    found: dict[str, Rule] = {}
    for entry in entry_points(group=GROUP):
        try:
            loaded = entry.load()
        except Exception as error:
            raise MacAuditError(f"The rule {entry.name} ({entry.value}) cannot be loaded: {error}.") from error
        if not isinstance(loaded, Rule):
            raise MacAuditError(f"The rule {entry.name} ({entry.value}) lacks the decorator @rule.")
        if found.setdefault(loaded.code, loaded) is not loaded:
            raise MacAuditError(f"Two installed rules have the code {loaded.code}; uninstall one of their packages.")
    return tuple(sorted(found.values(), key=lambda rule: rule.code))


def find(rules: Sequence[Rule], name: str) -> Rule:
    """The rule with that code or name; case does not matter."""
    for known in rules:
        if name.casefold() in (known.code.casefold(), known.name):
            return known
    names = [part for known in rules for part in (known.code, known.name)]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise MacAuditError(f"There is no rule {name!r}; installed are {', '.join(known.code for known in rules)}.{hint}")


def fewest(
    places: Iterable[P], avoidable: Callable[[P], float], access: float, limit: float, worth: float = 0
) -> list[P]:
    """The fewest places, worst first, that bring ``avoidable`` ÷ ``access`` down to ``limit`` when they are mended.

    ``avoidable`` is in elements of memory access. What is mended leaves ``access`` too: it is memory access that is
    not needed any more. Places that avoid less than ``worth`` elements are left out.
    """
    ordered = sorted(((avoidable(place), place) for place in places), key=lambda pair: -pair[0])
    left = sum(amount for amount, _ in ordered)
    chosen: list[P] = []
    for amount, place in ordered:
        if left <= limit * access or amount < worth:
            break
        chosen.append(place)
        access, left = access - amount, left - amount
    return chosen

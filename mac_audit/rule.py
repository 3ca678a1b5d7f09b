"""What a rule is.

A rule is a function of a ``Profile`` with a code and a name. Its docstring is its documentation, its keyword-only
parameters are its options, with their defaults; it returns a ``Measure``, or ``NotApplicable`` with the reason. An
option without a default is one that the user has to give: until then the rule does not run::

    @rule("X1", "too-deep")
    def too_deep(profile: Profile, *, limit: float = 100) -> Outcome:
        \"\"\"No more than a hundred layers.\"\"\"
        return Measure(len(profile.layers), limit, measure="layers")

A rule raises ``mac_audit.MacAuditError`` where it lacks something that the user has to give: the audit ends there.

Rules are found by the entry-point group ``mac_audit.rules``, the built-in ones like anybody's, and in plugins.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from types import ModuleType, SimpleNamespace
from typing import Any, TypeVar, get_type_hints

from mac_audit.errors import MacAuditError, nearest
from mac_audit.evidence import Evidence
from mac_audit.network import Source
from mac_audit.profile import Costed, Profile
from mac_audit.units import Quantity, Unit, percent

__all__ = [
    "Measure",
    "NotApplicable",
    "Outcome",
    "Quantity",
    "Rule",
    "Violation",
    "discover",
    "fewest",
    "find",
    "percent",
    "rule",
]

GROUP = "mac_audit.rules"
P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Violation:
    """A place that a rule blames, worst first in ``Measure.violations``.

    ``source`` is the line to edit (``Profile.line_of``). ``avoidable`` is memory access in elements that the
    counterfactual, with the same multiply-adds, would save; ``avoidable_bytes`` the same in bytes. ``value`` is the
    place's own share in the measure. ``now`` are the operators in question and ``then`` those that would stand in
    their place, which is what a predicted saving of time compares; without them there is none. ``evidence`` is what an
    experiment showed on the device (``Profile.cited``).
    """

    layer: str
    source: Source | None
    message: str
    instead: str
    value: float
    avoidable: float
    avoidable_bytes: float
    counterfactual: dict[str, Any] = field(default_factory=dict)
    now: tuple[Costed, ...] = ()
    then: tuple[Costed, ...] = ()
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """What was measured; the rule fails where ``value`` exceeds ``limit``, both in ``unit``.

    ``measure`` says what the value is. With ``negligible`` the rule passes all the same: nothing that could be mended
    would save enough to be worth it.
    """

    value: float
    limit: float
    violations: tuple[Violation, ...] = ()
    measure: str = ""
    negligible: bool = False
    unit: Unit = "ratio"


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

    @property
    def options(self) -> dict[str, inspect.Parameter]:
        """Its keyword-only parameters by name."""
        parameters = inspect.signature(self.check).parameters.values()
        return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}

    def kind(self, option: str) -> Any:
        """The type of an option as it is annotated; ``Any`` where it is not."""
        annotation = self.options[option].annotation
        alone = SimpleNamespace(__annotations__={option: Any if annotation is inspect.Parameter.empty else annotation})
        return get_type_hints(alone, self.check.__globals__, include_extras=True)[option]

    def lacks(self, given: Container[str]) -> list[str]:
        """The options without a default that are not among ``given``; with one of those the rule cannot run."""
        return [name for name, p in self.options.items() if p.default is p.empty and name not in given]


def rule(code: str, name: str) -> Callable[[Callable[..., Outcome]], Rule]:
    """Make a rule of the decorated function."""

    def make(check: Callable[..., Outcome]) -> Rule:
        return Rule(code, name, check)

    return make


def discover(plugins: Iterable[ModuleType] = ()) -> tuple[Rule, ...]:
    """Every installed rule, and those that ``plugins`` define, by code."""
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
    for module in plugins:
        for own in vars(module).values():
            if isinstance(own, Rule) and found.setdefault(own.code, own) is not own:
                raise MacAuditError(f"The rule {own.code} of {module.__file__} has the code of another; rename it.")
    return tuple(sorted(found.values(), key=lambda rule: rule.code))


def find(rules: Sequence[Rule], name: str) -> Rule:
    """The rule with that code or name; case does not matter."""
    for known in rules:
        if name.casefold() in (known.code.casefold(), known.name):
            return known
    names = [part for known in rules for part in (known.code, known.name)]
    installed = ", ".join(known.code for known in rules)
    raise MacAuditError(f"There is no rule {name!r}; installed are {installed}.{nearest(name, names)}")


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

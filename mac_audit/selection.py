"""Which rules run, with which options and severity: what a person wrote → what holds, checked."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from mac_audit.errors import MacAuditError, nearest
from mac_audit.plain import from_plain
from mac_audit.report import Severity
from mac_audit.rule import Rule, find
from mac_audit.units import Quantity, quantity

ALL = "ALL"
BUDGET = "-budget"  # the name of a budget's rule is the budget's, with this behind it


@dataclass(frozen=True, slots=True)
class Layer:
    """What one place says of selection: the file, or the command line. ``select`` starts anew, the others add."""

    where: str
    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A rule that runs, by its code, with the options that were given and the weight of its failure."""

    code: str
    options: dict[str, Any]
    severity: Severity = "error"


def choose(rules: Sequence[Rule], layers: Sequence[Layer], given: Mapping[str, Mapping[str, Any]]) -> list[Choice]:
    """The rules that run: selected by ``layers``, each of which may change what the one before says.

    ``given`` are options by code, as ``checked`` returns them. A rule that lacks one is left out.
    """
    selected = {rule.code for rule in rules}
    for layer in layers:
        if layer.select is not None:
            selected = _matching(rules, layer.select, f"{layer.where}: select")
        selected |= _matching(rules, layer.extend_select, f"{layer.where}: extend-select")
        selected -= _matching(rules, layer.ignore, f"{layer.where}: ignore")
    chosen = []
    for rule in rules:
        options = dict(given.get(rule.code, {}))
        severity: Severity = options.pop("severity", "error")
        if rule.code in selected and not rule.lacks(options):
            chosen.append(Choice(rule.code, options, severity))
    return chosen


def refuse_idle(
    rules: Sequence[Rule], layers: Sequence[Layer], given: Sequence[Mapping[str, Mapping[str, Any]]]
) -> None:
    """Raise ``MacAuditError`` where a rule that is selected by its own name lacks an option in each of ``given``."""
    for layer in layers:
        for name in (*(layer.select or ()), *layer.extend_select):
            for rule in rules:
                if name.casefold() in (rule.code.casefold(), rule.name):
                    missing = [rule.lacks(options.get(rule.code, {})) for options in given]
                    if missing and all(missing):
                        raise MacAuditError(
                            f"{layer.where}: {name} needs its {missing[0][0]}; give it a budget or an option."
                        )


def _matching(rules: Sequence[Rule], names: Sequence[str], where: str) -> set[str]:
    """The codes that ``names`` mean: a rule's code or name, the letters that codes begin with, or ``ALL``."""
    codes: set[str] = set()
    for name in names:
        family = {rule.code for rule in rules if name.isalpha() and rule.code.rstrip("0123456789") == name.upper()}
        every = {rule.code for rule in rules} if name.upper() == ALL else set()
        codes |= every or family or {_find(rules, name, where).code}
    return codes


def _find(rules: Sequence[Rule], name: str, where: str) -> Rule:
    try:
        return find(rules, name)
    except MacAuditError as error:
        raise MacAuditError(f"{where}: {error}") from None


def checked(rules: Sequence[Rule], given: Mapping[str, Mapping[str, Any]], where: str) -> dict[str, dict[str, Any]]:
    """Options by code, their names and values checked against each rule's signature; ``severity`` is among them.

    ``given`` is by code or name. ``MacAuditError`` says where something is wrong, with the nearest name.
    """
    result: dict[str, dict[str, Any]] = {}
    for name, options in given.items():
        rule = _find(rules, name, where)
        place = f"{where}.{name}"
        if not isinstance(options, Mapping):
            raise MacAuditError(f"{place} should be a table of options, but is {options!r}.")
        if rule.code in result:
            raise MacAuditError(f"{place}: the options of {rule.code} stand in two tables; join them.")
        result[rule.code] = {key: _option(rule, key, value, f"{place}.{key}") for key, value in options.items()}
    return result


def _option(rule: Rule, name: str, value: Any, where: str) -> Any:
    if name == "severity":
        return from_plain(Severity, value, where)  # type: ignore[arg-type]
    if name not in rule.options:
        known = [*rule.options, "severity"]
        listed = ", ".join(known)
        raise MacAuditError(f"{where}: {rule.code} has no option {name!r}; it has {listed}.{nearest(name, known)}")
    kind = rule.kind(name)
    if typing.get_origin(kind) is Annotated and typing.get_args(kind)[0] is Quantity:
        return _quantity(value, typing.get_args(kind)[1:], where)
    return from_plain(kind, value, where)


def _quantity(value: Any, units: tuple[str, ...], where: str) -> Quantity:
    found = quantity(value, where)
    if found.unit not in units:
        examples = {"count": "300 M", "bytes": "25 MB", "seconds": "8 ms"}
        wanted = " or ".join(f"{unit}, such as {examples[unit]!r}" for unit in units)
        raise MacAuditError(f"{where} should be in {wanted}, but is {value!r}.")
    return found


def budgeted(rules: Sequence[Rule], budgets: Mapping[str, Any], where: str) -> dict[str, dict[str, Any]]:
    """Options by code that hold the rules of ``budgets`` to them; ``params`` is that of ``params-budget``."""
    known = {rule.name.removesuffix(BUDGET): rule for rule in rules if rule.name.endswith(BUDGET)}
    result = {}
    for name, value in budgets.items():
        if name not in known:
            listed = ", ".join(known)
            raise MacAuditError(f"{where}: there is no budget {name!r}; choose one of {listed}.{nearest(name, known)}")
        rule = known[name]
        result[rule.code] = {"limit": _option(rule, "limit", value, f"{where}.{name}")}
    return result

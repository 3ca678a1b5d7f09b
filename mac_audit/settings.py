"""What holds: the configuration file, with the command line over it → the jobs of one run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from mac_audit.config import Config, Model
from mac_audit.errors import MacAuditError, nearest
from mac_audit.job import Job
from mac_audit.plugins import load_plugins
from mac_audit.request import Request
from mac_audit.rule import Rule, discover, find
from mac_audit.selection import Layer, budgeted, checked, choose, refuse_idle
from mac_audit.suppress import LayerIgnore

LINE = "the command line"


def jobs(
    file: Config,
    line: Config,
    targets: Sequence[str],
    flop_convention: Literal["paper", "torch"] = "paper",
) -> list[Job]:
    """One for each of ``targets``, the name of a configured model or a target, or without any for all models."""
    layers = [_layer(file, file.file), _layer(line, LINE)]
    models = _models(file, targets)
    requests = [Request(**_over(file.request, model.request, line.request)) for model in (*models, *file.model)]
    options = checked(known_rules(requests), file.rules, f"{file.file}: rules")
    found, everywhere = [], []
    for model, request in zip(models, requests, strict=False):
        rules = known_rules([request])
        budgets = (
            budgeted(rules, file.budgets, f"{file.file}: budgets")
            | budgeted(rules, model.budgets, f"{file.file}: budgets of {model.name}")
            | budgeted(rules, line.budgets, "--budget")
        )
        given = {code: options.get(code, {}) | budgets.get(code, {}) for code in options.keys() | budgets.keys()}
        everywhere.append(given)
        own = Layer(f"{file.file}: {model.name}", ignore=_rules(model.ignore))
        found.append(
            Job(
                name=model.name,
                request=request,
                choices=tuple(choose(rules, [layers[0], own, layers[1]], given)),
                ignores=tuple(_resolved(rules, [*file.ignore, *model.ignore], file.file)),
                fail_on=line.fail_on or file.fail_on or "error",
                flop_convention=flop_convention,
                folder=str(file.folder) if file.file else "",
                notes=tuple(_lifted(request, line, file)),
            )
        )
    known = known_rules(requests)
    anywhere = [budgeted(known, budgets, "budgets") for budgets in (file.budgets, *(m.budgets for m in file.model))]
    refuse_idle(known, layers[:1], [*everywhere, *anywhere, options])
    refuse_idle(known, layers[1:], everywhere)
    return found


def _lifted(request: Request, line: Config, file: Config) -> Iterator[str]:
    """That the configuration, which may come with the model, gives it more time than it has by itself."""
    usual = Request("").timeout
    if not request.isolation or "timeout" in line.request:
        return
    if request.timeout == 0:
        yield f"no time limit: timeout = 0 in {file.file}."
    elif request.timeout > usual:
        yield f"a time limit of {request.timeout:g} s, not {usual:g}: timeout in {file.file}."


def known_rules(requests: Iterable[Request]) -> tuple[Rule, ...]:
    """Those that are installed, and those of the plugins of ``requests``."""
    return discover(load_plugins(list(dict.fromkeys(name for request in requests for name in request.plugins))))


def _models(file: Config, targets: Sequence[str]) -> list[Model]:
    known = {model.name: model for model in file.model}
    if not targets:
        if not known:
            place = f"{file.file} has no [[model]]" if file.file else "there is no configuration file"
            raise MacAuditError(
                f"There is nothing to audit: no target is given, and {place}; mac-audit init writes one."
            )
        return list(file.model)
    for target in targets:
        if known and target not in known and target.isidentifier() and not Path(target).exists():
            listed = ", ".join(known)
            raise MacAuditError(f"There is no model {target!r} in {file.file}: {listed}.{nearest(target, known)}")
    return [known.get(target) or Model(target, {"target": target}) for target in dict.fromkeys(targets)]


def _over(*requests: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the last that has them; constructor arguments one by one, plugins of all."""
    arguments = {key: value for request in requests for key, value in request.get("arguments", {}).items()}
    plugins = tuple(dict.fromkeys(name for request in requests for name in request.get("plugins", ())))
    fields = {key: value for request in requests for key, value in request.items()}
    return {**fields, "arguments": arguments, **({"plugins": plugins} if plugins else {})}


def _layer(config: Config, where: str) -> Layer:
    return Layer(where, config.select, config.extend_select, _rules(config.ignore))


def _rules(ignore: Iterable[str | LayerIgnore]) -> tuple[str, ...]:
    return tuple(entry for entry in ignore if isinstance(entry, str))


def _resolved(rules: Sequence[Rule], ignore: Iterable[str | LayerIgnore], where: str) -> Iterator[LayerIgnore]:
    """The path ignores; ``MacAuditError`` where one names no rule."""
    for entry in ignore:
        if isinstance(entry, LayerIgnore):
            for name in entry.rules:
                try:
                    find(rules, name)
                except MacAuditError as error:
                    raise MacAuditError(f"{where}: ignore of {entry.path!r}: {error}") from None
            yield entry

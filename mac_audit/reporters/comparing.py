"""What the tables of a comparison say, whatever they are drawn with."""

from __future__ import annotations

from collections.abc import Iterator

from mac_audit.comparison import Comparison, Figure, Model, Order, Pair
from mac_audit.report import DeviceInfo, RuleResult
from mac_audit.reporters.inputs import listed
from mac_audit.reporters.problems import measured
from mac_audit.units import at_least, count, duration, percent, shape, size

FIGURES: dict[Figure, str] = {"flops": "FLOPs", "mac_elements": "MAC"}
COSTS = ("params", "FLOPs", "MAC", "bytes")


def costs(model: Model) -> list[str]:
    """The cells under ``COSTS``; dashes for a model that was not audited."""
    if model.error:
        return ["–"] * len(COSTS)
    return [
        count(model.params),
        at_least(model.flops, model.lower_bound),
        count(model.mac_elements),
        size(model.mac_bytes),
    ]


def times(model: Model, comparison: Comparison) -> list[str]:
    """The time on each device, a dash where there is none."""
    found = (model.times.get(device.name) for device in comparison.devices)
    return ["–" if ms is None else duration(ms) for ms in found]


def codes(comparison: Comparison) -> list[str]:
    """The rules that judged any of the models."""
    return list(dict.fromkeys(rule.code for model in comparison.models for rule in model.rules))


def by_code(model: Model) -> dict[str, RuleResult]:
    """The model's rules."""
    return {rule.code: rule for rule in model.rules}


def value(rule: RuleResult | None) -> str:
    """What a rule measured, with a mark where it is broken; a dash where it does not apply or did not run."""
    if rule is None or rule.verdict == "not-applicable":
        return "–"
    return f"{measured(rule)[0] or rule.verdict}{'!' if rule.verdict == 'fail' else ''}"


def inputs(model: Model) -> str:
    """What it was run on; a single input needs no name."""
    if len(model.inputs) == 1:
        return f"{shape(model.inputs[0].shape)} {model.inputs[0].dtype}"
    return listed(model.inputs)


def same_inputs(comparison: Comparison) -> bool:
    """Whether all models that were audited were run on the same, which then need not be told of each."""
    found = {tuple((t.shape, t.dtype) for t in model.inputs) for model in comparison.models if not model.error}
    return len(found) < 2


def expected(device: DeviceInfo) -> str:
    """How far its times can be trusted."""
    if device.error is None:
        return "never compared with measurements"
    return f"error {percent(device.error)} on data that was held out"


def agreement(order: Order) -> str:
    """``FLOPs order 7 of 45 pairs otherwise than time does (Spearman's ρ 0.82)``."""
    rho = f"{order.correlation:.2f}".replace("-", "−") if order.correlation is not None and order.models > 2 else ""
    told = f" (Spearman's ρ {rho})" if rho else ""
    verb = {"flops": "FLOPs order", "mac_elements": "MAC orders"}[order.figure]
    if not order.compared:
        return f"{FIGURES[order.figure]}: no two models to put in order"
    if order.pairs:
        return f"{verb} {len(order.pairs)} of {order.compared} pairs otherwise than time does{told}"
    return f"{verb} {'the pair' if order.compared == 1 else f'all {order.compared} pairs'} as time does{told}"


def disagreement(pair: Pair, figure: Figure) -> str:
    """``a has 0.38 of the FLOPs of b and takes 3.10 times as long``."""
    cost = f"{pair.cost:.2f} of the {FIGURES[figure]} of {pair.faster}"
    return f"{pair.slower} has {cost} and takes {pair.time:.2f} times as long"


def legend(comparison: Comparison) -> Iterator[str]:
    """What marks and units mean, and why figures may not be comparable."""
    yield "! breaks the rule; – has nothing that it judges, or no time."
    yield from (
        f"{comparison.conventions[name]}." for name in ("flops", "mac", "execution") if name in comparison.conventions
    )
    yield from (f"{note.rstrip('.')}." for note in comparison.notes)

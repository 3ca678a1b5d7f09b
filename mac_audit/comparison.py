"""Comparison: several models beside each other, and whether FLOPs order them as their predicted times do.

Figure 1 of the ShuffleNetV2 paper shows networks of the same FLOPs that differ in speed. Here that is said of the
models at hand: by the rank correlation of a cost with the time on a device, and by the pairs that it gets wrong.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

from mac_audit.plain import to_plain
from mac_audit.ranks import rank_correlation
from mac_audit.report import DeviceInfo, Report, RuleResult, TensorInfo

SCHEMA_VERSION = 1

Figure = Literal["flops", "mac_elements"]
FIGURES: tuple[Figure, ...] = ("flops", "mac_elements")
Sort = Literal["order", "time", "flops", "mac", "params"]
SORTS: tuple[Sort, ...] = ("order", "time", "flops", "mac", "params")


@dataclass(frozen=True, slots=True)
class Predicted:
    """The time of a whole model on a device, and what a reader of it has to know."""

    device: DeviceInfo
    ms: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """A report in short; ``times`` are milliseconds by the name of the device, those that are known.

    Of a model that could not be audited there is the ``error`` alone.
    """

    name: str
    target: str
    inputs: tuple[TensorInfo, ...]
    execution: str
    params: int
    madds: int
    flops: int
    mac_elements: int
    mac_bytes: int
    lower_bound: bool
    findings: int
    times: dict[str, float]
    rules: tuple[RuleResult, ...]
    verdict: Literal["pass", "fail", "error"]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """``slower`` has less of the cost than ``faster``, the share ``cost`` of it, and takes ``time`` times as long."""

    slower: str
    faster: str
    cost: float
    time: float


@dataclass(frozen=True, slots=True)
class Order:
    """How a cost orders the models whose time on a device is known.

    ``correlation`` is Spearman's ρ with the times, None of fewer than two models; ``pairs`` are those of the
    ``compared`` ones that the cost gets wrong, the greatest ratio of times first.
    """

    device: str
    figure: Figure
    models: int
    correlation: float | None
    compared: int
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The models in the order that was asked for, the devices, and how costs order the models on each."""

    models: tuple[Model, ...]
    devices: tuple[DeviceInfo, ...]
    orders: tuple[Order, ...]
    sort: Sort
    conventions: dict[str, str]
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What a file that is named after models is called."""
        return "comparison"

    def order(self, device: str, figure: Figure) -> Order:
        """How ``figure`` orders the models on ``device``."""
        return next(order for order in self.orders if (order.device, order.figure) == (device, figure))

    def to_json(self) -> str:
        """One JSON document that ``comparison.schema.json`` describes, with a final newline."""
        return json.dumps({"schema_version": SCHEMA_VERSION, **to_plain(self)}, indent=1, allow_nan=False) + "\n"


def compared(
    entries: Sequence[tuple[Report, Sequence[Predicted]]], sort: Sort, asked: Sequence[str] = ()
) -> Comparison:
    """The comparison of reports, each with times on further devices than its own; names are made distinct.

    Devices come in the order of ``asked``, their names, and then in that of the reports that were saved with others.
    """
    told = [_times(report, further) for report, further in entries]
    met: dict[str, list[DeviceInfo]] = {}
    for time in (time for times in told for time in times):
        met.setdefault(time.device.name, []).append(time.device)
    devices = {name: met[name][0] for name in (*(name for name in dict.fromkeys(asked) if name in met), *met)}
    names = _distinct([report for report, _ in entries])
    models = [_model(*model) for model in zip(names, (report for report, _ in entries), told, strict=True)]
    if sort != "order":
        models.sort(key=_key(sort, list(devices)))
    reports = [report for report, _ in entries if not report.error]
    return Comparison(
        models=tuple(models),
        devices=tuple(devices.values()),
        orders=tuple(_order(models, device, figure) for device in devices for figure in FIGURES),
        sort=sort,
        conventions=dict(reports[0].conventions) if reports else {},
        notes=tuple(
            dict.fromkeys(
                [
                    *_notes(reports, models, list(devices)),
                    *_unlike(met.values()),
                    *(note for times in told for time in times for note in time.notes),
                ]
            )
        ),
    )


def _key(sort: Sort, devices: Sequence[str]) -> Callable[[Model], tuple[float, ...]]:
    """The least first, what is not known last; times on the first device, where they are the same on the next."""
    if sort == "time":
        return lambda model: tuple(model.times.get(device, math.inf) for device in devices)
    figure = {"mac": "mac_elements"}.get(sort, sort)
    return lambda model: (bool(model.error), getattr(model, figure))


def _times(report: Report, further: Sequence[Predicted]) -> list[Predicted]:
    if report.device is None or report.totals.predicted_ms is None:
        return list(further)
    return [Predicted(report.device, report.totals.predicted_ms), *further]


def _unlike(met: Iterable[Sequence[DeviceInfo]]) -> Iterator[str]:
    """Where reports that were saved mean different devices by one name; of a dtype that a model lacks none tells."""
    for first, *others in met:
        for other in others:
            peaks = [(first.peak[dtype], peak) for dtype, peak in other.peak.items() if dtype in first.peak]
            if replace(first, peak={}) != replace(other, peak={}) or any(one != peak for one, peak in peaks):
                yield f"{first.name} is not the same device in all of these reports, and times on it may not compare"


def _model(name: str, report: Report, times: Sequence[Predicted]) -> Model:
    totals = report.totals
    return Model(
        name=name,
        target=report.target,
        inputs=report.inputs,
        execution=report.execution,
        params=totals.params,
        madds=totals.madds,
        flops=totals.flops,
        mac_elements=totals.mac_elements,
        mac_bytes=totals.mac_bytes,
        lower_bound=totals.lower_bound,
        findings=sum(finding.suppressed is None for finding in report.findings),
        times={time.device.name: time.ms for time in times},
        rules=tuple(replace(rule, help="") for rule in report.rules),
        verdict=report.verdict,
        error=report.error,
    )


def _distinct(reports: Sequence[Report]) -> list[str]:
    """The names of the models, with the target or else a number where two have the same."""
    names = [report.name or report.target for report in reports]
    count = Counter(names)
    names = [
        f"{name} ({report.target})" if count[name] > 1 and name != report.target else name
        for name, report in zip(names, reports, strict=True)
    ]
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(f"{name} #{seen[name]}" if seen[name] > 1 else name)
    return found


def _order(models: Sequence[Model], device: str, figure: Figure) -> Order:
    timed = [model for model in models if device in model.times]
    costs = [getattr(model, figure) for model in timed]
    times = [model.times[device] for model in timed]
    wrong = []
    pairs = list(combinations(zip(timed, costs, times, strict=True), 2))
    for one, other in pairs:
        (less, cost, time), (more, greater, shorter) = sorted((one, other), key=lambda entry: entry[1])
        if cost < greater and time > shorter > 0:
            wrong.append(Pair(less.name, more.name, cost / greater, time / shorter))
    return Order(
        device=device,
        figure=figure,
        models=len(timed),
        correlation=rank_correlation(costs, times) if len(timed) > 1 else None,
        compared=len(pairs),
        pairs=tuple(sorted(wrong, key=lambda pair: -pair.time)),
    )


def _notes(reports: Sequence[Report], models: Sequence[Model], devices: Sequence[str]) -> Iterator[str]:
    """Why figures may not be comparable."""
    for field in ("execution", "flop_convention", "version"):
        if len(found := dict.fromkeys(getattr(report, field) for report in reports)) > 1:
            yield f"{field.replace('_', ' ')} differs: {', '.join(found)}"
    inputs = {tuple((tensor.shape, tensor.dtype) for tensor in report.inputs) for report in reports}
    if len(inputs) > 1:
        yield "the inputs are not the same, and with them the work that is compared"
    if any(model.lower_bound and not model.error for model in models):
        yield "≥: a lower bound, for operators without a formula"
    for device in devices:
        lacking = [model.name for model in models if device not in model.times and not model.error]
        if lacking:
            yield f"{device} has no time for {', '.join(lacking)}: saved reports have those of their own device"

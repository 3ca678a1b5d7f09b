"""Timing: what a network takes on a device, by operator, class and layer.

Times are exact sums: the model's is that of its operators, a layer's that of the operators in and below it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import fsum

from mac_audit.cost import Cost, Costed
from mac_audit.device import (
    STAND_IN,
    Bound,
    Device,
    Step,
    Time,
    dtype_of,
    peak_of,
    stand_ins,
    steps_of,
    time_of,
    weight_bytes,
)
from mac_audit.network import Network


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds, and what most of them are bound by."""

    seconds: float
    bound: Bound | None

    @property
    def ms(self) -> float:
        """Milliseconds."""
        return 1000 * self.seconds


class Timing:
    """The times of ``operators``, all those of ``network`` in order, on ``device``; ``measured`` ones by name."""

    def __init__(
        self,
        operators: tuple[Costed, ...],
        network: Network,
        device: Device,
        execution: str,
        measured: Mapping[str, float] | None = None,
    ) -> None:
        self.device = device
        self._operators = operators
        self._network = network
        self._execution = execution
        self._measured = measured or {}

    @cached_property
    def times(self) -> dict[str, Time]:
        """By operator, those that work; views are in the time of the operator after them."""
        between = self.device.between.value if self.device.between is not None else 0
        known = {name: seconds + between for name, seconds in self._measured.items()}
        return {
            step.costed.operator.name: replace(
                time_of(step, self.device), measured=known.get(step.costed.operator.name)
            )
            for step in self._steps
        }

    @cached_property
    def total(self) -> Spent:
        """The whole model."""
        return _spent(self.times.values())

    @property
    def peaks(self) -> dict[str, float]:
        """The device's operations a second, by the dtypes that the network computes in."""
        dtypes = {step.dtype for step in self._steps if step.costed.cost.madds}
        return {dtype: peak_of(dtype, self.device) for dtype in sorted(dtypes or {STAND_IN})}

    @property
    def costs(self) -> tuple[Cost, ...]:
        """What its times were predicted from, by working operator."""
        return tuple(costed.cost for costed in self._working)

    @cached_property
    def classes(self) -> dict[str, Spent]:
        """By class of operator."""
        return _grouped((costed.kind, self.times[costed.operator.name]) for costed in self._working)

    @cached_property
    def own(self) -> dict[str, Spent]:
        """By layer, without those inside; a layer without operators of its own is absent."""
        return _grouped((costed.operator.layer, self.times[costed.operator.name]) for costed in self._working)

    @cached_property
    def layers(self) -> dict[str, Spent]:
        """By layer, with those inside; a layer without operators is absent."""
        return _grouped(
            (path, self.times[costed.operator.name])
            for costed in self._working
            for path in _upwards(costed.operator.layer)
        )

    def of(self, operators: Iterable[Costed]) -> float:
        """Seconds that these take by themselves, which need not be operators of the network; never measured ones."""
        steps = (Step(costed, dtype_of(costed, self._network), self._weights) for costed in operators)
        return fsum(time_of(step, self.device).total for step in steps)

    def notes(self) -> tuple[str, ...]:
        """What a reader of the times has to know."""
        name, fit = self.device.name, self.device.fit
        found = [
            f"{name} has no peak for {dtype}; that of float32 is used."
            for dtype in stand_ins(self._working, self._network, self.device)
        ]
        if fit is None:
            found.append(f"{name}: expect the order of models rather than their times.")
        elif fit.execution != self._execution:
            found.append(f"{name} was fitted to networks run as {fit.execution}, these are times as {self._execution}.")
        if measured := sum(time.measured is not None for time in self.times.values()):
            found.append(
                f"times of {measured} of {len(self.times)} operators were measured here, the others predicted."
            )
        return tuple(found)

    @cached_property
    def _weights(self) -> int:
        return weight_bytes(self._network)

    @cached_property
    def _steps(self) -> tuple[Step, ...]:
        return steps_of(self._operators, self._network)

    @cached_property
    def _working(self) -> tuple[Costed, ...]:
        return tuple(step.costed for step in self._steps)


def _spent(times: Iterable[Time]) -> Spent:
    times = list(times)
    by_bound: dict[Bound, float] = defaultdict(float)
    for time in times:
        by_bound[time.bound] += time.total
    bound = max(by_bound, key=by_bound.__getitem__, default=None)
    return Spent(fsum(time.total for time in times), bound)


def _grouped(entries: Iterable[tuple[str, Time]]) -> dict[str, Spent]:
    found: dict[str, list[Time]] = defaultdict(list)
    for key, time in entries:
        found[key].append(time)
    return {key: _spent(times) for key, times in found.items()}


def _upwards(path: str) -> Iterable[str]:
    """A layer and those that it is in, up to the model."""
    while path:
        yield path
        path = path.rpartition(".")[0]
    yield ""

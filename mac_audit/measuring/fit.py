"""Fit the free numbers of a device to measured times.

Damped Gauss-Newton steps (Levenberg, 1944) on the logarithms of the numbers, which keeps them positive. Each has a
prior: what the data say nothing of stays there. Residuals are logarithms of predicted over measured time, and those
far out weigh less (Huber's weights), so that one disturbed measurement does not bend the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, log
from statistics import median

import torch

from mac_audit.device import Device, Rates

_STEPS = 60
_FAR_OUT = 2.0  # in units of the median absolute residual; Huber's 1.345 standard deviations are 2 of these


@dataclass(frozen=True, slots=True)
class Free:
    """One number to fit: ``name`` of a device, or of the rates of ``kinds`` (classes or ATen operators).

    ``start`` is where it begins and what the data have to move it from; ``spread`` by how much, in logarithms, it
    may well be off; ``most`` is as far as it may go.
    """

    name: str
    kinds: tuple[str, ...] = ()
    start: float = 1.0
    spread: float = 1.0
    most: float = inf


Residuals = Callable[[Device, Sequence[int]], Sequence[float]]
Touched = Callable[[Free], Sequence[int]]


def fitted(
    device: Device, free: Sequence[Free], residuals: Residuals, count: int, touched: Touched | None = None
) -> Device:
    """``device`` with the ``free`` numbers at the smallest weighted residuals that were found from their start.

    ``residuals`` gives those of the measurements asked for, of ``count``; ``touched`` says which ones depend on a
    number at all, and saves the time of asking for the others.
    """
    everything = range(count)
    point = [log(number.start) for number in free]

    def at(point: Sequence[float]) -> Device:
        return with_numbers(device, free, [min(n.most, exp(x)) for n, x in zip(free, point, strict=True)])

    def loss(point: Sequence[float], scale: float) -> float:
        prior = sum(((x - log(n.start)) / n.spread) ** 2 for x, n in zip(point, free, strict=True))
        return prior + sum(_huber(r / scale) for r in residuals(at(point), everything))

    damping = 1e-2
    for _ in range(_STEPS):
        here = list(residuals(at(point), everything))
        scale = max(_FAR_OUT * median(map(abs, here)), 1e-3)
        slopes = []
        for place, number in enumerate(free):
            moved = [*point[:place], point[place] + 1e-4, *point[place + 1 :]]
            which = touched(number) if touched is not None else everything
            slope = [0.0] * count
            for i, residual in zip(which, residuals(at(moved), which), strict=True):
                slope[i] = (residual - here[i]) / 1e-4
            slopes.append(slope)
        step = _step(point, free, here, slopes, scale, damping)
        moved = [x + dx for x, dx in zip(point, step, strict=True)]
        if loss(moved, scale) < loss(point, scale):
            point, damping = moved, damping / 3
            if max(map(abs, step)) < 1e-5:
                break
        else:
            damping *= 4
            if damping > 1e6:
                break
    return at(point)


def with_numbers(device: Device, free: Sequence[Free], values: Sequence[float]) -> Device:
    """``device`` with each free number at its value."""
    for number, value in zip(free, values, strict=True):
        if number.kinds:
            rates = dict(device.rates)
            for kind in number.kinds:
                rates[kind] = replace(rates.get(kind, Rates()), **{number.name: value})
            device = replace(device, rates=rates)
        else:
            figure = replace(getattr(device, number.name), value=value)
            device = replace(device, **{number.name: figure})
    return device


def _huber(distance: float) -> float:
    """The square within one, twice the distance (less one) beyond."""
    return distance**2 if abs(distance) <= 1 else 2 * abs(distance) - 1


def _step(
    point: Sequence[float],
    free: Sequence[Free],
    here: Sequence[float],
    slopes: Sequence[Sequence[float]],
    scale: float,
    damping: float,
) -> list[float]:
    weights = torch.tensor([(1 if abs(r) <= scale else scale / abs(r)) ** 0.5 / scale for r in here]).double()
    jacobian = torch.tensor(slopes).double().T * weights[:, None]
    residual = torch.tensor(here).double() * weights
    prior = torch.tensor([1 / number.spread for number in free]).double()
    offset = torch.tensor([(x - log(n.start)) / n.spread for x, n in zip(point, free, strict=True)]).double()
    normal = jacobian.T @ jacobian + torch.diag(prior**2)
    normal += damping * torch.diag(normal.diagonal())
    step: list[float] = torch.linalg.solve(normal, -(jacobian.T @ residual + prior * offset)).tolist()
    return [max(-1.0, min(1.0, value)) for value in step]  # a factor of e at most

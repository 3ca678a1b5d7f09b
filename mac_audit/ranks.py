"""How well predictions order and hit what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from statistics import StatisticsError, correlation, median


def rank_correlation(left: Sequence[float], right: Sequence[float]) -> float:
    """Spearman's ρ, ties at their mean rank; 0 where one side is constant."""
    try:
        return correlation(_ranks(left), _ranks(right))
    except StatisticsError:
        return 0.0


def scaled_error(predicted: Sequence[float], measured: Sequence[float]) -> float:
    """The median absolute relative error once one common factor is allowed for: what proportionality is worth."""
    logs = [log(p / m) for p, m in zip(predicted, measured, strict=True)]
    return median(abs(exp(value - median(logs)) - 1) for value in logs)


def error(predicted: Sequence[float], measured: Sequence[float]) -> float:
    """The median absolute relative error."""
    return median(abs(p / m - 1) for p, m in zip(predicted, measured, strict=True))


def _ranks(values: Sequence[float]) -> list[float]:
    """From 1, equal values at the mean of their places."""
    ordered = sorted(values)
    first = {value: place for place, value in reversed(list(enumerate(ordered, 1)))}
    counts = {value: ordered.count(value) for value in first}
    return [first[value] + (counts[value] - 1) / 2 for value in values]

"""Time several pieces of work against one another on a machine that others use too.

What is compared is run in turn, round after round, so that a disturbance hits all of it alike; a time is the median of
its rounds, and the spread says how far apart they lay. Work of one processor thread is timed by the processor time of
that thread, which leaves out what other programs took of it meanwhile; all other work by the clock on the wall.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter, thread_time

import torch

SHORTEST = 2e-4  # seconds; shorter work is repeated within one round, for the clock and its calls take time too
NOISY = 0.15  # a relative spread beyond which a measurement is not to be trusted

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Sample:
    """The ``rounds`` of one piece of work, in seconds each."""

    rounds: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """The median."""
        return median(self.rounds)

    @property
    def spread(self) -> float:
        """Half of the distance between the quartiles, relative to the median; 0 for a single round."""
        if len(self.rounds) < 2:
            return 0.0
        low, _, high = quantiles(self.rounds, n=4, method="inclusive")
        return (high - low) / 2 / self.seconds


def clock() -> Callable[[], float]:
    """The clock for work that torch is set to do now."""
    return perf_counter if torch.get_num_threads() > 1 or _queues() else thread_time


def finish() -> None:
    """Wait for work that is only queued."""
    if _queues():
        torch.cuda.synchronize()


def interleaved(works: Mapping[str, Work], rounds: int = 9) -> dict[str, Sample]:
    """Run each of ``works`` once to warm up and then ``rounds`` times in turn."""
    repeats: dict[str, int] = {}
    for name, work in works.items():
        work()
        once = _timed(work, 1)
        repeats[name] = max(1, min(1000, round(SHORTEST / max(once, 1e-7))))
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            found[name].append(_timed(work, repeats[name]))
    return {name: Sample(tuple(seconds)) for name, seconds in found.items()}


def in_turn(works: Mapping[str, tuple[Work, Work]]) -> dict[str, float]:
    """The seconds of one run of each of ``works``, none of them repeated, each after its own preparation.

    Code and weights are as cold as they are in a network, where other operators have run since the last time.
    """
    found: dict[str, float] = {}
    for name, (prepare, work) in works.items():
        prepare()
        found[name] = _timed(work, 1)
    return found


def difference(left: Sample, right: Sample) -> tuple[float, float]:
    """A 95 % interval for the median of what ``left`` takes longer than ``right``, in seconds, round by round."""
    return _interval([a - b for a, b in zip(left.rounds, right.rounds, strict=True)])


def ratio(left: Sample, right: Sample) -> tuple[float, float, float]:
    """The median of ``left`` over ``right``, round by round, between the ends of its 95 % interval."""
    each = [a / b for a, b in zip(left.rounds, right.rounds, strict=True)]
    low, high = _interval(each)
    return low, median(each), high


def _interval(each: Sequence[float], draws: int = 2000, within: float = 0.95) -> tuple[float, float]:
    """For the median of ``each``, by bootstrap: percentiles of the medians of what is drawn from it with replacement.

    Efron, Annals of Statistics 7(1), 1979.
    """
    dice = random.Random(0)  # the same rounds give the same interval
    medians = sorted(median(dice.choices(each, k=len(each))) for _ in range(draws))
    tail = round((1 - within) / 2 * draws)
    return medians[tail], medians[-1 - tail]


def noise(samples: Sequence[Sample]) -> float:
    """The median spread of several samples."""
    return median(sample.spread for sample in samples)


def _timed(work: Work, repeats: int) -> float:
    now = clock()
    finish()
    start = now()
    for _ in range(repeats):
        work()
    finish()
    return (now() - start) / repeats


def _queues() -> bool:
    return torch.cuda.is_available()

"""Learn a device by measuring it: workloads are timed, the latency model is fitted and checked on some left out.

The times of each round are kept when it is done; a calibration that was interrupted takes them, and fits anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import log
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from mac_audit.cost import CLASSES
from mac_audit.device import DEFAULT, Cache, Device, Figure, Fit, Rates, Step, base_name, steps_of, time_of
from mac_audit.errors import MacAuditError
from mac_audit.measuring.fit import Free, fitted
from mac_audit.measuring.running import Running, inference, running
from mac_audit.measuring.stopwatch import NOISY, Sample, in_turn, interleaved
from mac_audit.measuring.store import Timings
from mac_audit.measuring.workloads import Workload, workloads
from mac_audit.profile import Profile

ROUNDS = 21
QUICK = 7
BETWEEN = 2**20  # bytes that pass between two runs: about what a core's own cache holds
FOLDS = 5
EXECUTION = "eager"  # how PyTorch runs a model
CONTRACTIONS = ("conv", "pointwise-conv", "grouped-conv", "depthwise-conv", "matmul")
UNMEASURED = Rates(compute=0.1, memory=0.5, overlap=0)
OTHERS = tuple(kind for kind in CLASSES if kind not in CONTRACTIONS)


@dataclass(frozen=True)
class Machine:
    """What is calibrated: a ``backend`` of torch (cpu or cuda) and, for the processor, how many threads of it."""

    backend: str
    threads: int

    @property
    def name(self) -> str:
        """How its times and its device are called."""
        words = f"{_model(self.backend)} {self.threads}t" if self.backend == "cpu" else _model(self.backend)
        return "-".join("".join(c if c.isalnum() else " " for c in words.lower()).split())

    @property
    def lanes(self) -> Figure:
        """Numbers that it works on at a time."""
        if self.backend == "cpu":
            wide = {"AVX512": 16, "AVX2": 8}.get(torch.backends.cpu.get_cpu_capability(), 4)
            return Figure(2.0 * wide * self.threads, f"two units of {wide} lanes, {self.threads} threads")
        found = torch.cuda.get_device_properties(0)
        threads = found.multi_processor_count * found.max_threads_per_multi_processor
        return Figure(float(threads), "multiprocessors × resident threads, as the driver says")


@dataclass(frozen=True)
class Measured:
    """A workload with the seconds that it took, how far its rounds lay apart, and what runs in it."""

    name: str
    seconds: float
    spread: float
    between: float  # seconds from one operator to the next
    steps: tuple[Step, ...]
    deep: bool = False

    def predicted(self, device: Device) -> float:
        """Seconds."""
        return sum(time_of(step, device).total for step in self.steps)


def machine(backend: str, threads: int) -> Machine:
    """What is calibrated; ``MacAuditError`` where torch sees no GPU."""
    if backend == "cuda" and not torch.cuda.is_available():
        raise MacAuditError("torch sees no CUDA GPU here; take --backend cpu, or install a build of torch for it.")
    return Machine(backend, threads)


def torch_version() -> str:
    """Times of one version do not speak for another."""
    return str(torch.__version__).partition("+")[0]


Progress = Callable[[str, int, int], None]


def measure(machine: Machine, store: Timings, progress: Progress, quick: bool = False) -> list[Measured]:
    """Time every workload, one after another, ``ROUNDS`` times; ``QUICK`` times where ``quick``.

    What ``store`` has is not repeated. Before each run other data pass through the caches and its input is written, as
    in a network.
    """
    todo = workloads()
    rounds = QUICK if quick else ROUNDS
    built: dict[str, Running] = {}
    with inference(machine.threads):
        others = torch.ones(BETWEEN // 4, device=machine.backend)
        for place, workload in enumerate(todo):
            progress(f"build {workload.name}", place, len(todo))
            torch.manual_seed(0)
            built[workload.name] = running(workload.build(), torch.randn(workload.shape), machine.backend)
            built[workload.name]()  # what a first run sets up is in no time
        for number in range(rounds):
            progress(f"round {number + 1} of {rounds}", number, rounds)
            missing = {name: work for name, work in built.items() if not store.get([_key(name, number)])}
            works = {name: (partial(_prepare, work, others), work) for name, work in missing.items()}
            taken = in_turn(works)
            store.add((_key(name, number), name, seconds, 0.0) for name, seconds in taken.items())
        progress("done", rounds, rounds)
        between = _between(built)
    return [_gathered(workload, built[workload.name], rounds, between, store) for workload in todo]


def _prepare(work: Running, others: Tensor) -> None:
    """What happens in a network before an operator has its turn: other data passed, its input was written."""
    work()
    others.mul_(1)
    for tensor in work.inputs.tensors:
        tensor.mul_(1)


def _key(name: str, number: int) -> str:
    return f"workload {name} {number}"


def _between(built: Mapping[str, Running]) -> float:
    """Seconds from one operator to the next: a stack less its operators one by one, in the median of stacks."""
    gaps = []
    for work in built.values():
        alone = work.operator_seconds()
        whole = interleaved({"all": work}, 5)["all"].seconds
        gaps.append((whole - sum(alone.values())) / max(len(alone), 1))
    return max(0.0, median(gaps))


def _gathered(workload: Workload, work: Running, rounds: int, between: float, store: Timings) -> Measured:
    known = store.get(_key(workload.name, number) for number in range(rounds))
    sample = Sample(tuple(seconds for seconds, _ in known.values()))
    profile = Profile(work.network, EXECUTION)
    steps = steps_of(profile.operators, profile.network)
    return Measured(workload.name, sample.seconds, sample.spread, between, steps, workload.deep)


# --- from measurements to a device -----------------------------------------------------------------------------------


def device_of(
    machine: Machine,
    found: Sequence[Measured],
    levels: Sequence[Cache],
    memory: Figure,
    progress: Callable[[], object] = lambda: None,
    name: str | None = None,
) -> Device:
    """The device that explains what was measured, with its own error on a fifth that was left out, each in turn.

    ``progress`` is called after each of ``FOLDS`` + 1 fits.
    """
    blank = _blank(machine, found, levels, memory)
    device = replace(_fitted(blank, found), name=name or machine.name)
    progress()
    missed: list[float] = []
    for fold in range(FOLDS):
        others = [item for i, item in enumerate(found) if i % FOLDS != fold]
        missed += _errors(_fitted(blank, others), found[fold::FOLDS])
        progress()
    told = Fit(
        data=f"{_counted(found)} measured on this machine with torch {torch_version()}",
        execution=EXECUTION,
        error=round(median(_errors(device, found)), 3),
        held_out=round(median(missed), 3),
    )
    return replace(device, fit=told)


def _counted(found: Sequence[Measured]) -> str:
    busy = f" on a machine too busy to trust ({len(too_noisy(found))} of them too noisy)," if too_busy(found) else ""
    return f"{len(found)} workloads{busy}"


LADDER = tuple(2.0**power for power in (17, 19, 20, 21, 22, 23, 24, 25, 26, 28))  # bytes: 128 KiB to 256 MiB


def memory_ladder(machine: Machine) -> tuple[tuple[Cache, ...], Figure]:
    """How fast more and more bytes move, as steps of a ladder, and how fast what lies beyond it does.

    A step is what a cache of its size would be; where real caches end does not have to be known.
    """
    with inference(machine.threads):
        sources = [torch.randn(int(size) // 8, device=machine.backend) for size in LADDER]
        copies = {f"{size}": partial(torch.empty_like(x).copy_, x) for size, x in zip(LADDER, sources, strict=True)}
        nothing = torch.empty(1, device=machine.backend)
        samples = interleaved({"call": partial(nothing.copy_, nothing.clone()), **copies}, 15)
    taken = [samples[f"{size}"].seconds for size in LADDER]
    seconds = [max(each - samples["call"].seconds, each / 4) for each in taken]
    bandwidths = [LADDER[0] / seconds[0]]
    for i in range(1, len(LADDER)):
        within = (LADDER[i] - LADDER[i - 1]) / max(seconds[i] - seconds[i - 1], 1e-9)
        bandwidths.append(min(bandwidths[-1], within))  # further out is never faster, though noise may say so
    steps = tuple(
        Cache(size, bandwidth, "measured: copies of so many bytes, read and written")
        for size, bandwidth in zip(LADDER, bandwidths, strict=True)
    )
    return steps, Figure(bandwidths[-1], "measured: the last step of a ladder of copies")


def _blank(machine: Machine, found: Sequence[Measured], levels: Sequence[Cache], memory: Figure) -> Device:
    """What is known before the fit; the peak is the best that any workload reached."""
    best = max(2 * sum(step.costed.cost.madds for step in item.steps) / item.seconds for item in found)
    between = median(item.between for item in found)
    return Device(
        name=machine.name,
        title=_model(machine.backend) + (f", {machine.threads} threads" if machine.threads > 1 else ""),
        kind="cpu" if machine.backend == "cpu" else "gpu",
        peak={"float32": Figure(best, "measured: the best that a workload reached")},
        bandwidth=memory,
        launch=Figure(5e-6, "fitted"),
        lanes=machine.lanes,
        caches=tuple(levels),
        view=Figure(1e-6, "fitted"),
        between=Figure(between, "measured: a stack less its operators one by one"),
        threads=machine.threads,
        rates={DEFAULT: UNMEASURED, **dict.fromkeys(OTHERS, UNMEASURED)},
    )


def _fitted(blank: Device, found: Sequence[Measured]) -> Device:
    """By class first; then each operator that is no contraction may differ from its class."""
    names = [{name for step in item.steps for name in (base_name(step.costed), step.costed.kind)} for item in found]

    def residuals(device: Device, which: Sequence[int]) -> list[float]:
        return [log(found[i].predicted(device) / found[i].seconds) for i in which]

    def touched(free: Free) -> Sequence[int]:
        return [i for i, inside in enumerate(names) if not free.kinds or not inside.isdisjoint(free.kinds)]

    by_class = fitted(blank, list(_free_classes()), residuals, len(found), touched)
    by_operator = {
        base_name(step.costed): by_class.rates[step.costed.kind]
        for item in found
        for step in item.steps
        if step.costed.kind in OTHERS
    }
    start = replace(by_class, rates={**by_class.rates, **by_operator})
    each = fitted(start, list(_free_operators(start, found)), residuals, len(found), touched)
    return _slower(each, median([item.seconds / item.predicted(each) for item in found if item.deep] or [1.0]))


def _slower(device: Device, factor: float) -> Device:
    """``device`` with all times longer by ``factor``: what networks take beyond what their parts take alone."""

    def divided(figure: Figure) -> Figure:
        return replace(figure, value=figure.value / factor)

    assert device.view is not None
    return replace(
        device,
        peak={dtype: divided(figure) for dtype, figure in device.peak.items()},
        bandwidth=divided(device.bandwidth),
        caches=tuple(replace(cache, bandwidth=cache.bandwidth / factor) for cache in device.caches),
        launch=replace(device.launch, value=device.launch.value * factor),
        view=replace(device.view, value=device.view.value * factor),
    )


def _free_classes() -> Iterator[Free]:
    yield Free("launch", start=4e-6)
    yield Free("view", start=1e-6)
    for kind in CONTRACTIONS:
        yield Free("compute", (kind,), start=0.5, most=1.5)
        yield Free("memory", (kind,), start=0.5)
        yield Free("weight", (kind,), start=0.5)
        yield Free("width", (kind,), start=2)
        yield Free("fill", (kind,), start=10)
        yield Free("launch", (kind,), start=2)
        yield Free("overlap", (kind,), start=0.5, most=1, spread=2)
    yield Free("per_step", ("matmul",), start=0.5)
    for kind in OTHERS:
        yield Free("compute", (kind,), start=0.1)
        yield Free("memory", (kind,), start=0.5)


def _free_operators(device: Device, found: Sequence[Measured]) -> Iterator[Free]:
    seen = {base_name(step.costed): step.costed.kind for item in found for step in item.steps}
    for target, kind in sorted(seen.items()):
        if kind in OTHERS:
            rates = device.rates[kind]
            yield Free("compute", (target,), start=rates.compute, spread=1.5)
            yield Free("memory", (target,), start=rates.memory, spread=0.7)
            yield Free("launch", (target,), start=1, spread=0.7)


def _errors(device: Device, found: Iterable[Measured]) -> list[float]:
    return [abs(item.predicted(device) / item.seconds - 1) for item in found]


def spread(found: Sequence[Measured]) -> float:
    """The median of how far the rounds of a workload lay apart."""
    return median(item.spread for item in found)


def too_noisy(found: Sequence[Measured]) -> list[str]:
    """The workloads whose rounds lay too far apart to be trusted."""
    return [item.name for item in found if item.spread > NOISY]


def too_busy(found: Sequence[Measured]) -> bool:
    """Whether so many of them are too noisy that none of it should be trusted."""
    return len(too_noisy(found)) > len(found) / 5


def _model(backend: str) -> str:
    """The name of the processor or GPU."""
    if backend != "cpu":
        return torch.cuda.get_device_name(0)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "processor")

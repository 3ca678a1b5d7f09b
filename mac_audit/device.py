"""Device: what a machine can do, and how long it takes over an operator.

An operator of class k that does ``o`` scalar operations (a multiply-add is two) and moves ``b`` bytes takes

    launches · launch + max(arithmetic, memory) + (1 − overlap_k) · min(arithmetic, memory)
    arithmetic = o / (peak · compute_k) · (1 + width_k / w) · (1 + lanes · fill_k / r)
    memory     = (b_a · t(b_a) + b_w · t(all weights) / weight_k) / memory_k

* ``peak`` is the device's for the dtype of the result, ``compute_k`` the share of it that the class reaches.
* ``w`` is the narrowest width in channels of a group: ``width_k`` channels reach half of the share.
* ``r`` are the results of a contraction, which is what can be computed side by side: a device works on ``lanes`` at
  a time, and ``fill_k`` times as many reach half of the share.
* ``t(s)`` is the time for a byte of a working set of ``s`` bytes: what fits a cache moves at the cache's bandwidth,
  the rest at the memory's. Activations (``b_a``) were just written, so their set is the operator's own, what is
  written in place once; weights (``b_w``) were last read in the previous run, so their set is all of the network's.
* ``overlap_k`` is how much of the shorter of the two hides behind the longer; all of it where nothing else is known.
* A class is launched ``launch_k + per_group_k · (groups − 1) + per_step_k · (steps − 1)`` times: it may take longer to
  start than others, or run its groups one after another, and every step of a recurrent layer waits for the one before.
  One that runs in another operator's kernel is not launched at all. A view costs ``view`` where the framework's own
  time counts. A measured time of an operator stands for all of that but the ``between``, what the framework takes from
  one operator to the next.

Figures come from datasheets and carry their source; shares come from a fit, which says on what data it was made and
how far off it is there. Rates are looked up by the name of the ATen operator, then by its class, then as ``default``.

Source of the form: Williams et al., *Roofline*, CACM 52(4), 2009, with the saturation of Hockney's n½.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from mac_audit.cost import Costed
from mac_audit.network import Network

Bound = Literal["compute", "memory", "launch"]

DEFAULT = "default"  # the rates of what has none of its own
STAND_IN = "float32"  # whose peak serves a dtype that a device has no figure for


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and where it comes from."""

    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Cache:
    """``size`` in bytes, ``bandwidth`` in bytes a second."""

    size: float
    bandwidth: float
    source: str


@dataclass(frozen=True, slots=True)
class Rates:
    """How much of a device a class of operators gets; the head of this module says what each number does."""

    compute: float = 1.0
    memory: float = 1.0
    weight: float = 1.0
    width: float = 0.0
    fill: float = 0.0
    launch: float = 1.0
    per_group: float = 0.0
    per_step: float = 1.0
    overlap: float = 1.0


@dataclass(frozen=True, slots=True)
class Fit:
    """Where the rates come from: the ``data``, the ``execution`` that it was taken to be, and what is left.

    ``error`` is the median absolute relative error on that data, ``held_out`` the same where each part of the data
    is predicted from the others.
    """

    data: str
    execution: str
    error: float
    held_out: float


@dataclass(frozen=True)
class Device:
    """Peaks in operations a second by dtype, ``bandwidth`` in bytes a second, times in seconds, caches from small.

    ``rates`` are by class of operator or by ATen operator. With ``like`` they are those of that device, taken to be
    the same shares here. ``threads`` of the processor were at work, where that was set.
    """

    name: str
    title: str
    kind: Literal["cpu", "gpu"]
    peak: dict[str, Figure]
    bandwidth: Figure
    launch: Figure
    lanes: Figure
    caches: tuple[Cache, ...] = ()
    view: Figure | None = None
    between: Figure | None = None
    threads: int = 0
    like: str = ""
    rates: dict[str, Rates] = field(default_factory=dict)
    fit: Fit | None = None

    @property
    def source(self) -> str:
        """Where its figures come from, in one sentence."""
        if self.fit is not None:
            return f"rates fitted on {self.fit.data}"
        return f"datasheet; rates as on {self.like}, not checked here" if self.like else "as given, not checked"

    @property
    def error(self) -> float | None:
        """That on data that the fit did not see, where there was one; networks unlike it may be further off."""
        return self.fit.held_out if self.fit is not None else None


@dataclass(frozen=True, slots=True)
class Time:
    """What one operator takes, in seconds; what is not hidden adds up to ``total``. ``measured``: not predicted."""

    launch: float
    arithmetic: float
    memory: float
    overlap: float = 1.0
    measured: float | None = None

    @property
    def total(self) -> float:
        """Seconds."""
        if self.measured is not None:
            return self.measured
        shorter, longer = sorted((self.arithmetic, self.memory))
        return self.launch + longer + (1 - self.overlap) * shorter

    @property
    def bound(self) -> Bound:
        """What takes longest."""
        longest = max(self.launch, self.arithmetic, self.memory)
        if longest == self.launch:
            return "launch"
        return "compute" if longest == self.arithmetic else "memory"


@dataclass(frozen=True, slots=True)
class Step:
    """A working operator as it stands in a network.

    ``dtype`` is that of its result, ``weights`` are the bytes of all weights of the network, ``views`` the free
    operators that the framework dispatches before it, and ``again`` the bytes that it writes where it read them.
    """

    costed: Costed
    dtype: str
    weights: float = 0
    views: int = 0
    again: float = 0


def steps_of(operators: Iterable[Costed], network: Network) -> tuple[Step, ...]:
    """The working ones of ``operators``, all those of ``network`` in order, as they stand in it."""
    weights = weight_bytes(network)
    found: list[Step] = []
    views = 0
    for costed in operators:
        if costed.coverage == "free":
            views += 1
        else:
            mutated = (network.tensors[index] for index in costed.operator.mutates)
            again = sum(tensor.elements * tensor.itemsize for tensor in mutated)
            found.append(Step(costed, dtype_of(costed, network), weights, views, again))
            views = 0
    return tuple(found)


def time_of(step: Step, device: Device) -> Time:
    """How long ``device`` takes over an operator."""
    cost, shape = step.costed.cost, step.costed.contraction
    rates = rates_of(step.costed, device)
    groups = shape.groups if shape is not None else 1
    view = device.view.value if device.view is not None else 0
    further = rates.per_group * (groups - 1) + rates.per_step * (step.costed.steps - 1)
    launches = cost.operators * (rates.launch + further)
    arithmetic = (2 * cost.madds or cost.other_ops) / (peak_of(step.dtype, device) * rates.compute)
    if shape is not None:
        arithmetic *= 1 + rates.width * groups / min(shape.c_in, shape.c_out)
        arithmetic *= 1 + device.lanes.value * rates.fill / (shape.positions_out * shape.c_out)
    own = cost.mac_bytes * cost.reads_weight / max(cost.mac_elements, 1)
    moved = cost.mac_bytes - own
    memory = moved * _byte_time(max(moved - step.again, 0), device)
    memory += own * _byte_time(max(step.weights, own), device) / rates.weight
    return Time(launches * device.launch.value + step.views * view, arithmetic, memory / rates.memory, rates.overlap)


def weight_bytes(network: Network) -> int:
    """Bytes of all weights, shared ones once."""
    weights = {tensor.storage: tensor.elements * tensor.itemsize for tensor in network.tensors if tensor.is_weight}
    return sum(weights.values())


def dtype_of(costed: Costed, network: Network) -> str:
    """That of the first result, or of what it writes in place."""
    written = (*costed.operator.outputs, *costed.operator.mutates, *costed.operator.inputs)
    return network.tensors[written[0]].dtype if written else STAND_IN


def rates_of(costed: Costed, device: Device) -> Rates:
    """Those of the ATen operator, else of its class, else the default ones."""
    keys = (base_name(costed), costed.kind, DEFAULT)
    return next((device.rates[key] for key in keys if key in device.rates), Rates())


def base_name(costed: Costed) -> str:
    """The ATen operator without overload and in-place mark: ``aten.relu``."""
    return ".".join(costed.operator.target.split(".")[:2]).removesuffix("_")


def peak_of(dtype: str, device: Device) -> float:
    """Operations a second in that dtype; ``stand_ins`` says where it is another's."""
    return (device.peak.get(dtype) or device.peak[STAND_IN]).value


def stand_ins(operators: Iterable[Costed], network: Network, device: Device) -> tuple[str, ...]:
    """The floating-point dtypes of results that ``device`` has no peak for, and float32's is used."""
    dtypes = {dtype_of(costed, network) for costed in operators if costed.cost.madds}
    return tuple(sorted(dtypes - device.peak.keys()))


def _byte_time(working_set: float, device: Device) -> float:
    """Seconds for a byte of so many."""
    if not working_set:
        return 0
    seconds = held = 0.0
    for cache in device.caches:
        inside = min(working_set, cache.size) - held
        if inside > 0:
            seconds += inside / cache.bandwidth
            held += inside
    return (seconds + (working_set - held) / device.bandwidth.value) / working_set

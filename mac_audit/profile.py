"""Profile: a network under one execution model, with everything that a rule or a report may ask of it.

Every part is computed when first asked for, once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import mac_audit.formulas  # noqa: F401  registers the formulas
from mac_audit.cost import CLASSES, Contraction, Cost, Costed, Coverage, cost_of, kind_of
from mac_audit.counterfactual import joined, merged, reshaped
from mac_audit.device import Device, dtype_of
from mac_audit.evidence import Evidence, nearest
from mac_audit.execution import execute
from mac_audit.fusion import with_epilogues
from mac_audit.interface import given
from mac_audit.liveness import Peak, peak
from mac_audit.network import Layer, Network, Operator, Ref, Source
from mac_audit.structure import Block, Structure, structure_of
from mac_audit.timing import Timing

__all__ = ["Block", "Contraction", "Costed", "Evidence", "LayerCost", "Profile", "Ref", "joined", "merged", "reshaped"]

# The classes of which every operator is a fragment, a unit of work that is launched by itself: the paper's G3.
FRAGMENTS = ("conv", "pointwise-conv", "grouped-conv", "depthwise-conv", "pool", "matmul")


@dataclass(frozen=True, slots=True)
class LayerCost:
    """A layer with what it costs.

    ``own`` is what operators called in its own ``forward`` cost, ``total`` adds those of all layers inside it.
    ``params`` counts distinct parameters likewise; ``kinds`` are the classes of its own operators.
    """

    layer: Layer
    own: Cost
    total: Cost
    own_params: int
    params: int
    kinds: tuple[str, ...]
    depth: int
    leaf: bool


@dataclass
class _Made:
    """The layers that a line constructed, called by the same lines so far; ``outwards`` by who called those."""

    layers: list[Layer] = field(default_factory=list)
    outwards: dict[Source, _Made] = field(default_factory=dict)
    geometries: dict[object, int] = field(default_factory=dict)  # by what of a contraction matters


# Finds the times that a device was measured to take, by operator.
Measurements = Callable[[tuple[Costed, ...], Network], Mapping[str, float]]


class Profile:
    """Costs of ``network`` when it is run by ``execution``, one of ``mac_audit.execution.EXECUTIONS``.

    With a ``device`` it has times too; ``measurements`` knows those of operators that were measured there, ``evidence``
    is what experiments showed there.
    """

    def __init__(
        self,
        network: Network,
        execution: str = "folded",
        device: Device | None = None,
        measurements: Measurements | None = None,
        evidence: tuple[Evidence, ...] = (),
    ) -> None:
        self.captured = network
        self.execution = execution
        self.device = device
        self.measurements = measurements
        self.evidence = evidence
        self.network = execute(network, execution, kind_of)

    @cached_property
    def in_registers(self) -> frozenset[int]:
        """Tensors that are in memory here and would not be under ``fused``."""
        if self.execution == "folded":  # what fused starts from
            fused = with_epilogues(self.network, lambda operator, _: self._by_name[operator.name].kind)
        else:
            fused = execute(self.captured, "fused", kind_of)
        pairs = zip(self.network.tensors, fused.tensors, strict=True)
        return frozenset(i for i, (here, there) in enumerate(pairs) if here.elements and not there.elements)

    def whole(self, index: int) -> int:
        """The tensor that a view looks at; another tensor itself."""
        return self._viewed.get(index, index)

    @cached_property
    def _viewed(self) -> dict[int, int]:
        """By a view, the tensor that it looks at, through other views."""
        found: dict[int, int] = {}
        for operator in self.network.operators:
            if operator.view:
                found.update(dict.fromkeys(operator.outputs, found.get(operator.inputs[0], operator.inputs[0])))
        return found

    def maker(self, index: int) -> Costed | None:
        """The operator that computed a tensor, looked at through views; None for inputs and weights."""
        operator = self.network.producers.get(self.whole(index))
        return self._by_name[operator.name] if operator is not None else None

    def given(self, costed: Costed) -> tuple[bool, bool]:
        """Whether data set the width that a contraction reads, and the one that it writes: nobody can choose them."""
        return given(costed, self.network, self._by_name)

    @cached_property
    def _by_name(self) -> dict[str, Costed]:
        return {costed.operator.name: costed for costed in self.operators}

    @cached_property
    def operators(self) -> tuple[Costed, ...]:
        """Every operator with its cost, in the order of execution."""
        return tuple(cost_of(operator, self.network) for operator in self.network.operators)

    @cached_property
    def working(self) -> tuple[Costed, ...]:
        """The operators that do something: all but the free ones."""
        return tuple(costed for costed in self.operators if costed.coverage != "free")

    @cached_property
    def total(self) -> Cost:
        """The cost of the whole model."""
        return _sum(costed.cost for costed in self.working)

    @cached_property
    def params(self) -> int:
        """Distinct parameters, in elements."""
        return sum(parameter.numel for parameter in self.network.parameters.values())

    @cached_property
    def peak(self) -> Peak:
        """The moment at which activations take the most memory."""
        return peak(self.network)

    @cached_property
    def classes(self) -> dict[str, Cost]:
        """Cost by class of operator, for the classes that occur, in the order of ``cost.CLASSES``."""
        return {
            name: _sum(costed.cost for costed in self.working if costed.kind == name)
            for name in CLASSES
            if any(costed.kind == name for costed in self.working)
        }

    @cached_property
    def coverage(self) -> dict[Coverage, tuple[Costed, ...]]:
        """Operators by what is known of them."""
        found: dict[Coverage, list[Costed]] = {"exact": [], "free": [], "unknown": []}
        for costed in self.operators:
            found[costed.coverage].append(costed)
        return {name: tuple(costed) for name, costed in found.items()}

    @cached_property
    def timing(self) -> Timing | None:
        """What it takes on the device; None where none is named."""
        if self.device is None:
            return None
        measured = self.measurements(self.working, self.network) if self.measurements else {}
        return Timing(self.operators, self.network, self.device, self.execution, measured)

    def cited(self, code: str, costed: Costed, amount: float, width: float) -> Evidence | None:
        """The experiment on the device that is most like a finding of ``code``, whose ``amount`` and ``width`` it has.

        ``costed`` is the operator in question, of whose dtype it should be; ``Evidence`` says what is counted.
        """
        dtype = dtype_of(costed, self.network)
        return nearest(self.evidence, code, amount, width, dtype, compiled=self.execution == "fused")

    @property
    def predicted_ms(self) -> float | None:
        """Milliseconds of one run on the device; None where none is named."""
        return self.timing.total.ms if self.timing is not None else None

    @cached_property
    def structure(self) -> Structure:
        """The data-flow graph and its blocks."""
        return structure_of(self.network, {c.operator.name for c in self.working if c.kind in FRAGMENTS})

    @cached_property
    def feeders(self) -> dict[str, tuple[int, ...]]:
        """Of each working operator the positions, in ``working``, of those whose results it reads, through free ones.

        By the operator's name, in ascending order.
        """
        position = {costed.operator.name: i for i, costed in enumerate(self.working)}
        found: dict[str, tuple[int, ...]] = {}
        results: list[tuple[int, ...]] = []  # of each operator, those that computed what it hands on
        for i, operator in enumerate(self.network.operators):
            before = sorted({source for feeder in self.structure.graph.predecessors(i) for source in results[feeder]})
            own = position.get(operator.name)
            if own is not None:
                found[operator.name] = tuple(before)
            results.append(tuple(before) if own is None else (own,))
        return found

    @cached_property
    def layer(self) -> dict[str, Layer]:
        """Layers by path."""
        return {layer.path: layer for layer in self.network.layers}

    @cached_property
    def called_from(self) -> dict[str, tuple[Source, ...]]:
        """By layer, the lines outside its own ``forward`` from which its operators come."""
        found: dict[str, dict[Source, None]] = {}
        for operator in self.captured.operators:
            if operator.source is not None and not operator.own:
                found.setdefault(operator.layer, {})[operator.source] = None
        return {path: tuple(sources) for path, sources in found.items()}

    def line_of(self, operator: Operator, judged: Callable[[Contraction], object] | None = None) -> Source | None:
        """The line to edit for an operator: its call in a module's own ``forward``, or what made its layer."""
        return operator.source if operator.own else self.line_to_edit(operator.layer, judged) or operator.source

    def line_to_edit(self, path: str, judged: Callable[[Contraction], object] | None = None) -> Source | None:
        """The line that chose the geometry of the layer at ``path``, as far as constructions were recorded.

        A line that makes layers of different geometry only passes on what somebody else chose, as in a helper like
        ``ConvNorm(c_in, c_out)``; then the line that called it is meant, if fewer geometries come from there, and so
        on outwards. ``judged`` says what of a contraction matters (a ratio of widths, say); without it, all parameter
        shapes do. Give the same function each time: what it says is counted once.
        """
        lines = self.layer[path].sources if path in self.layer else ()
        if not lines:
            return None
        made = self._made.outwards[lines[0]]
        for line, outer in pairwise(lines):
            from_here = made.outwards[outer]
            if self._geometries(from_here, judged) >= self._geometries(made, judged):
                return line
            made = from_here
        return lines[-1]

    @cached_property
    def _made(self) -> _Made:
        """Layers by the lines that constructed them."""
        everything = _Made()
        for layer in self.network.layers:
            made = everything
            for line in layer.sources:
                made = made.outwards.setdefault(line, _Made())
                made.layers.append(layer)
        return everything

    def _geometries(self, made: _Made, judged: Callable[[Contraction], object] | None) -> int:
        """How many there are; counted once for all layers that one line made."""
        if judged not in made.geometries:
            found: set[object]
            if judged is None:
                found = {tuple(parameter.shape for parameter in layer.parameters) for layer in made.layers}
            else:
                found = {judged(shape) for layer in made.layers for shape in self._contractions.get(layer.path, ())}
            made.geometries[judged] = len(found)
        return made.geometries[judged]

    @cached_property
    def _contractions(self) -> dict[str, list[Contraction]]:
        """By layer."""
        found: dict[str, list[Contraction]] = {}
        for costed in self.working:
            if costed.contraction is not None:
                found.setdefault(costed.operator.layer, []).append(costed.contraction)
        return found

    @cached_property
    def layers(self) -> tuple[LayerCost, ...]:
        """Every layer with its cost, parents before children, the model itself (path "") first."""
        own = {layer.path: Cost() for layer in self.network.layers}
        kinds: dict[str, dict[str, None]] = {layer.path: {} for layer in self.network.layers}
        for costed in self.working:
            own[costed.operator.layer] += costed.cost
            kinds[costed.operator.layer][costed.kind] = None
        total = dict(own)
        names = {layer.path: {p.name for p in layer.parameters} for layer in self.network.layers}
        inside = {path: set(found) for path, found in names.items()}
        parents = {path: _parent(path, own) for path in own if path}
        for path in reversed(own):
            if path:
                total[parents[path]] += total[path]
                inside[parents[path]] |= inside[path]
        sizes = {name: parameter.numel for name, parameter in self.network.parameters.items()}
        depths = {"": 0}
        for path in own:
            if path:
                depths[path] = depths[parents[path]] + 1
        containers = set(parents.values())
        return tuple(
            LayerCost(
                layer=layer,
                own=own[layer.path],
                total=total[layer.path],
                own_params=sum(sizes[name] for name in names[layer.path]),
                params=sum(sizes[name] for name in inside[layer.path]),
                kinds=tuple(kinds[layer.path]),
                depth=depths[layer.path],
                leaf=layer.path not in containers,
            )
            for layer in self.network.layers
        )


def _parent(path: str, known: dict[str, Cost]) -> str:
    while path:
        path = path.rpartition(".")[0]
        if path in known:
            return path
    return ""


def _sum(costs: object) -> Cost:
    return sum(costs, Cost())  # type: ignore[call-overload, no-any-return]

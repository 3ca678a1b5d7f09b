"""What one operator costs: arithmetic by formula, memory access from its operands.

Counting conventions, stated once:

* ``madds``: multiply-adds of contractions (convolutions, matrix products, attention), each counted once. The
  paper calls them FLOPs; ``torch.utils.flop_counter`` counts each as two.
* ``other_ops``: all other arithmetic, one per scalar operation. Never part of ``madds``.
* Memory access cost (``mac``): every distinct operand is read once and every result written once, the paper's
  assumption of a cache that is large enough. ``mac_elements`` counts elements, ``mac_bytes`` bytes. An expanded
  operand counts its distinct elements; a view costs nothing; an in-place operator reads and writes like its
  out-of-place twin. A formula needs to say something of memory only where an operator reads or writes part of it.

Each operator falls into one of three cases, its *coverage*: ``exact`` (it has a formula), ``free`` (a view, or
memory set aside but not touched) and ``unknown``: memory access still follows from the operands, the arithmetic is
not known, or not all of it, and whatever total it belongs to is a lower bound.

A formula is a function registered for the names of operators. It receives what its parameters name: arguments under
the names of the operator's schema, tensors as ``network.Tensor``; ``ins`` for all tensors among the arguments in their
order, ``out`` for the first result and ``outs`` for all of them::

    @formula("aten.mm")
    def mm(self, mat2, out):
        return Work("matmul", madds=out.numel * mat2.shape[0])

It returns ``None`` where the arguments at hand do not tell the arithmetic, and the operator is unknown there.

Source: Ma et al., ShuffleNet V2, ECCV 2018, sections 2 and 3, for the definitions.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from math import prod
from typing import Any, Literal, TypeVar

from mac_audit.errors import MacAuditError
from mac_audit.network import Network, Operator, Ref, Tensor

Coverage = Literal["exact", "free", "unknown"]

CLASSES = (
    "conv",
    "pointwise-conv",
    "grouped-conv",
    "depthwise-conv",
    "matmul",
    "pool",
    "norm",
    "elementwise",
    "data-movement",
    "reduction",
    "other",
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Costs add. Counts of elements, but ``mac_bytes``; ``operators`` counts those with a kernel of their own.

    ``unknown`` counts operators whose arithmetic is missing: with any, ``madds`` and ``other_ops`` are lower bounds.
    """

    madds: int = 0
    other_ops: int = 0
    reads_activation: int = 0
    reads_weight: int = 0
    writes: int = 0
    mac_bytes: int = 0
    operators: int = 0
    unknown: int = 0

    @property
    def mac_elements(self) -> int:
        """Memory access cost in elements."""
        return self.reads_activation + self.reads_weight + self.writes

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(getattr(self, name) + getattr(other, name) for name in _COST_FIELDS))


_COST_FIELDS = tuple(f.name for f in fields(Cost))


@dataclass(frozen=True, slots=True)
class Contraction:
    """The geometry of a convolution or of a product with a matrix, as a layer with ``c_in`` and ``c_out`` channels.

    ``positions_in`` and ``positions_out`` count spatial positions, batch included; ``kernel`` is the window in each
    spatial dimension, empty for a product. ``weighted`` is false for products of two activations.
    """

    c_in: int
    c_out: int
    positions_in: int
    positions_out: int
    groups: int = 1
    kernel: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    transposed: bool = False
    weighted: bool = True

    @property
    def pointwise(self) -> bool:
        """Whether each position is mapped by itself: a 1×1 convolution or a linear layer."""
        return all(size == 1 for size in self.kernel)

    @property
    def depthwise(self) -> bool:
        """Whether every input channel is a group of its own."""
        return self.groups > 1 and self.groups == self.c_in

    @property
    def weights(self) -> int:
        """Elements of the weight: c_in · c_out · ∏kernel / groups."""
        return self.c_in * self.c_out * prod(self.kernel) // self.groups

    @property
    def madds(self) -> int:
        """Multiply-adds. A transposed convolution spreads each input position, others gather each output one."""
        return (self.positions_in if self.transposed else self.positions_out) * self.weights

    @property
    def mac_elements(self) -> int:
        """Memory access cost without bias: hw(c1 + c2) + c1·c2·∏k/g, with each side's own positions."""
        return self.positions_in * self.c_in + self.positions_out * self.c_out + self.weights

    @property
    def convolution(self) -> str:
        """The class of operator of a convolution of this geometry."""
        if self.depthwise:
            return "depthwise-conv"
        if self.groups > 1:
            return "grouped-conv"
        return "pointwise-conv" if self.pointwise else "conv"

    def describe(self) -> dict[str, int]:
        """The layer in numbers, as a counterfactual shows it."""
        return {
            "c_in": self.c_in,
            "c_out": self.c_out,
            "groups": self.groups,
            "madds": self.madds,
            "mac_elements": self.mac_elements,
        }


@dataclass(frozen=True, slots=True)
class Work:
    """What a formula knows: the class of operator, its arithmetic, and which operands it touches in part.

    ``reads`` gives the elements read of an argument, by name, where that is not all of it; ``writes`` the elements
    written where that is not all results. ``steps`` is how often it starts anew and waits for what it did before, as a
    recurrent layer for each element of a sequence. With ``lower_bound`` there may be more arithmetic than it says, and
    the operator is unknown as far as totals go.
    """

    kind: str
    madds: int = 0
    other_ops: int = 0
    contraction: Contraction | None = None
    reads: Mapping[str, int] = field(default_factory=dict)
    writes: int | None = None
    steps: int = 1
    lower_bound: bool = False


FREE = Work("other")  # sets memory aside without touching it

Formula = Callable[..., Work | None]
_F = TypeVar("_F", bound=Formula)


@dataclass(frozen=True, slots=True)
class Costed:
    """An operator with what is known of it."""

    operator: Operator
    kind: str
    coverage: Coverage
    cost: Cost
    contraction: Contraction | None = None
    itemsize: int = 0  # bytes an element of the result
    steps: int = 1  # one after the other, see ``Work``


_formulas: dict[str, tuple[Formula, tuple[inspect.Parameter, ...]]] = {}


def formula(*names: str) -> Callable[[_F], _F]:
    """Register the decorated function for operators by name without overload: ``"aten.convolution"``.

    It serves the in-place twin (``aten.relu_``) too. A second formula for a name is a ``MacAuditError``.
    """

    def register(function: _F) -> _F:
        parameters = tuple(inspect.signature(function).parameters.values())
        for name in names:
            if name in _formulas:
                raise MacAuditError(
                    f"{name} has a formula already, in {_place(_formulas[name][0])}; take the one in"
                    f" {_place(function)} out."
                )
            _formulas[name] = function, parameters
        return function

    return register


@contextmanager
def registered_together() -> Iterator[None]:
    """Formulas registered within stay if all goes well, and none of them where something raises."""
    before = dict(_formulas)
    try:
        yield
    except BaseException:
        _formulas.clear()
        _formulas.update(before)
        raise


def _place(function: Formula) -> str:
    code = inspect.unwrap(function).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


def names_of(words: str) -> list[str]:
    """The ATen operators in a list of words: ``"relu tanh"`` → ``["aten.relu", "aten.tanh"]``."""
    return [f"aten.{word}" for word in words.split()]


def cost_of(operator: Operator, network: Network) -> Costed:
    """The cost of one operator of ``network``."""
    if operator.view:
        return Costed(operator, "other", "free", Cost())
    found = _lookup(operator.target)
    if found is None:
        return _unknown(operator, network)
    work = _work(*found, operator, network)
    if work is FREE:
        return Costed(operator, "other", "free", Cost())
    if work is None:
        return _unknown(operator, network)
    itemsize = network.tensors[operator.outputs[0]].itemsize if operator.outputs else 0
    coverage: Coverage = "unknown" if work.lower_bound else "exact"
    return Costed(
        operator, work.kind, coverage, _memory(operator, network, work), work.contraction, itemsize, work.steps
    )


def _unknown(operator: Operator, network: Network) -> Costed:
    return Costed(operator, "other", "unknown", _memory(operator, network, Work("other", lower_bound=True)))


def _work(
    function: Formula, parameters: tuple[inspect.Parameter, ...], operator: Operator, network: Network
) -> Work | None:
    """What the formula says; it may be anybody's, so whatever goes wrong in it is told with its place."""
    try:
        work = function(**_bind(parameters, operator, network))
    except Exception as error:
        raise MacAuditError(
            f"The formula of {operator.target} in {_place(function)} raised {type(error).__name__}: {error}; mend it,"
            " or let it return None where it cannot tell."
        ) from error
    if work is not None and work.kind not in CLASSES:
        raise MacAuditError(
            f"The formula of {operator.target} in {_place(function)} says the class {work.kind!r}; choose one of"
            f" {', '.join(CLASSES)}."
        )
    return work


def kind_of(operator: Operator, network: Network) -> str:
    """The class of an operator; "other" where it is free or unknown."""
    return cost_of(operator, network).kind


def _lookup(target: str) -> tuple[Formula, tuple[inspect.Parameter, ...]] | None:
    name = ".".join(target.split(".")[:2])
    return _formulas.get(name) or _formulas.get(name.removesuffix("_"))


def _bind(parameters: tuple[inspect.Parameter, ...], operator: Operator, network: Network) -> dict[str, Any]:
    outs = tuple(network.tensors[index] for index in operator.outputs)
    bound: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.name == "out":
            bound["out"] = outs[0]
        elif parameter.name == "outs":
            bound["outs"] = outs
        elif parameter.name == "ins":
            bound["ins"] = tuple(_tensors(operator, network))
        elif parameter.name in operator.arguments:
            bound[parameter.name] = _resolve(operator.arguments[parameter.name], network)
        elif parameter.default is inspect.Parameter.empty:
            raise TypeError(f"the operator has no argument {parameter.name!r}, but {', '.join(operator.arguments)}")
    return bound


def _tensors(operator: Operator, network: Network) -> Iterator[Tensor]:
    for argument in operator.arguments.values():
        for item in argument if isinstance(argument, tuple) else (argument,):
            if isinstance(item, Ref):
                yield network.tensors[item.tensor]


def _resolve(value: Any, network: Network) -> Any:
    if isinstance(value, Ref):
        return network.tensors[value.tensor]
    if isinstance(value, tuple):
        return tuple(_resolve(item, network) for item in value)
    return value


def _memory(operator: Operator, network: Network, work: Work) -> Cost:
    """The cost with memory access from the operands, and from ``work`` where it says otherwise."""
    read: dict[int, int] = {}
    for name, argument in operator.arguments.items():
        for item in argument if isinstance(argument, tuple) else (argument,):
            if isinstance(item, Ref):
                elements = work.reads.get(name, network.tensors[item.tensor].elements)
                read[item.tensor] = max(elements, read.get(item.tensor, 0))
    activation = weight = size = 0
    for index, elements in read.items():
        tensor = network.tensors[index]
        size += elements * tensor.itemsize
        if tensor.is_weight:
            weight += elements
        else:
            activation += elements
    written = _written(operator, network)
    writes = sum(tensor.elements for tensor in written) if work.writes is None else work.writes
    if written:
        size += (
            writes * written[0].itemsize if work.writes is not None else sum(t.elements * t.itemsize for t in written)
        )
    kernels = 0 if operator.kernel else 1
    return Cost(work.madds, work.other_ops, activation, weight, writes, size, kernels, unknown=int(work.lower_bound))


def _written(operator: Operator, network: Network) -> list[Tensor]:
    """Results that are new memory or were written in place; what was written and not returned counts too."""
    outputs = [network.tensors[index] for index in operator.outputs]
    mutated = [network.tensors[index] for index in operator.mutates]
    changed = {tensor.storage for tensor in mutated}
    seen = {network.tensors[index].storage for index in operator.inputs}
    written = [tensor for tensor in outputs if tensor.storage in changed or tensor.storage not in seen]
    returned = {tensor.storage for tensor in written}
    return written + [tensor for tensor in mutated if tensor.storage not in returned]

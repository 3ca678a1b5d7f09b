"""Kernels as a compiler would cut them: element-wise operators run in the kernel of what they follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mac_audit.network import Argument, Network, Operator

KindOf = Callable[[Operator, Network], str]

_STARTS = {"conv", "pointwise-conv", "grouped-conv", "depthwise-conv", "matmul", "norm", "pool", "reduction"}
_KEEP_ORDER = {"view", "_unsafe_view", "unsqueeze", "squeeze", "alias", "detach"}  # of elements in memory


def with_epilogues(network: Network, kind_of: KindOf) -> Network:
    """``network`` with kernels: a result that is read in its own kernel alone has no elements in memory.

    An element-wise operator joins the kernel of its latest operand of the same size, if its other operands are there
    before that kernel starts or come from within it, in the same order of elements. It stays out after all where none
    of its operands stays in registers, because somebody else reads them too.
    """
    whole = whole_views(network)
    kinds = {operator.name: kind_of(operator, network) for operator in network.operators}
    alone: set[str] = set()
    while True:
        kernels = _Kernels(network, whole, kinds, alone)
        inside = kernels.inside()
        left_out = {
            operator.name
            for operator in network.operators
            if kernels.first.get(operator.name, operator.name) != operator.name
            and not any(whole.get(index, index) in inside for index in operator.inputs)
        }
        if not left_out:
            break
        alone |= left_out
    tensors = tuple(
        replace(tensor, elements=0) if whole.get(index, index) in inside else tensor
        for index, tensor in enumerate(network.tensors)
    )
    joined = {name: start for name, start in kernels.first.items() if start != name}
    operators = (replace(operator, kernel=joined.get(operator.name, "")) for operator in network.operators)
    return replace(network, tensors=tensors, operators=tuple(operators))


def whole_views(network: Network) -> dict[int, int]:
    """Tensors that look at all of another one (reshaped, transposed) → that one; parts of it are not here."""
    found: dict[int, int] = {}
    for operator in network.operators:
        if operator.view and len(operator.inputs) == len(operator.outputs) == 1:
            (source,), (result,) = operator.inputs, operator.outputs
            if network.tensors[source].elements == network.tensors[result].numel:
                found[result] = found.get(source, source)
    return found


_View = tuple[str, tuple[Argument, ...]]  # one that rearranges elements


@dataclass
class _Kernels:
    """One attempt: ``first`` maps each working operator to the one with which its kernel starts."""

    network: Network
    whole: dict[int, int]
    kinds: dict[str, str]
    alone: set[str]  # element-wise operators that must not join
    first: dict[str, str] = field(default_factory=dict)
    orders: dict[tuple[int, _View], int] = field(default_factory=dict)  # numbered, by an earlier one and a view of it

    def __post_init__(self) -> None:
        position = {operator.name: place for place, operator in enumerate(self.network.operators)}
        orders: dict[int, int] = {}  # of the elements of tensors, 0 for that of the kernel's start
        for operator in self.network.operators:
            if operator.view and len(operator.inputs) == len(operator.outputs) == 1:
                orders[operator.outputs[0]] = self._seen_by(operator, orders.get(operator.inputs[0], 0))
            if self.kinds[operator.name] in _STARTS:
                self.first[operator.name] = operator.name
            if self.kinds[operator.name] == "elementwise" and operator.outputs:
                kernel, order = self._to_join(operator, position, orders)
                self.first[operator.name] = kernel
                orders[operator.outputs[0]] = order

    def _seen_by(self, view: Operator, order: int) -> int:
        """The order that ``view`` makes of ``order``."""
        name = view.target.split(".")[1]
        if name in _KEEP_ORDER:
            return order
        arguments = tuple(value for key, value in view.arguments.items() if key != "self")
        return self.orders.setdefault((order, (name, arguments)), len(self.orders) + 1)

    def _to_join(self, operator: Operator, position: dict[str, int], orders: dict[int, int]) -> tuple[str, int]:
        """The start of the kernel that an element-wise operator joins, or itself."""
        size = self.network.tensors[operator.outputs[0]].numel
        ahead: dict[int, str] = {}  # operands from kernels
        others: list[Operator] = []
        for index in operator.inputs:
            made = self.network.producers.get(self.whole.get(index, index))
            if made is not None and made.name in self.first and self.network.tensors[index].numel == size:
                ahead[index] = self.first[made.name]
            elif made is not None:
                others.append(made)
        if not ahead or operator.name in self.alone:
            return operator.name, 0
        kernel = max(ahead.values(), key=position.__getitem__)
        within = {orders.get(index, 0) for index, start in ahead.items() if start == kernel}
        before = [self.network.producers[self.whole.get(i, i)] for i, start in ahead.items() if start != kernel]
        ready = all(position[made.name] < position[kernel] for made in (*others, *before))
        return (kernel, within.pop()) if ready and len(within) == 1 else (operator.name, 0)

    def inside(self) -> set[int]:
        """Results that are read in their own kernel alone."""
        readers: dict[int, set[str]] = {}  # kernels that read a result, through whatever view
        for operator in self.network.operators:
            if operator.outputs and operator.outputs[0] in self.whole:
                continue  # looks at another result; what reads the view counts
            for index in operator.inputs:
                kernel = self.first.get(operator.name, operator.name)
                readers.setdefault(self.whole.get(index, index), set()).add(kernel)
        kept = {self.whole.get(index, index) for index in self.network.outputs}
        return {
            index
            for operator in self.network.operators
            for index in operator.outputs
            if index not in self.whole and index not in kept and readers.get(index) == {self.first.get(operator.name)}
        }

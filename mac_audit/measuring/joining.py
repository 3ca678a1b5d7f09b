"""An element-wise operator in the kernel of its producer, which is what torch.compile can make of the two.

Both sides have the producer compiled, so that what they differ by is the element-wise operator alone: now it runs after
it, as a kernel of its own; then the two are compiled together. Weights are constants, as in deployed models, and maps
that a convolution reads are laid out channels last, as torch.compile lays them out inside a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import getitem
from typing import Any

import torch
from torch import Tensor, fx, nn

from mac_audit import _torch as private
from mac_audit.measuring.stopwatch import Work
from mac_audit.network import Argument, Network, Operator, Ref
from mac_audit.profile import Costed, Profile

NO_COMPILER = "torch.compile finds no C++ compiler here; install g++, or name another one in CXX"
COMPARED = "compared: in the kernel of its producer, by torch.compile (weights constant), against a kernel of its own"


@dataclass(frozen=True)
class Chain:
    """Operators one after the other as a module that holds their weights.

    It takes the tensors ``reads`` and gives what the last operator does, the tensors ``makes``.
    """

    module: fx.GraphModule
    reads: tuple[int, ...]
    makes: tuple[int, ...]

    @classmethod
    def of(cls, operators: Sequence[Operator], network: Network, values: Mapping[int, Tensor]) -> Chain:
        """``operators``, which read each other's results; ``values`` has the weights."""
        root, graph = nn.Module(), fx.Graph()
        made = {index for operator in operators for index in operator.outputs}
        outer = dict.fromkeys(index for operator in operators for index in operator.inputs if index not in made)
        reads = tuple(index for index in outer if not network.tensors[index].is_weight)
        known = {index: graph.placeholder(f"tensor{index}") for index in reads}
        for index in outer.keys() - known.keys():
            root.register_parameter(f"weight{index}", nn.Parameter(values[index], requires_grad=False))
            known[index] = graph.get_attr(f"weight{index}")
        for operator in operators:
            target: Any = reduce(getattr, operator.target.split("."), torch.ops)
            arguments = {name: _filled_in(value, known) for name, value in operator.arguments.items()}
            result = graph.call_function(target, kwargs=arguments)
            several = len(operator.outputs) > 1
            for place, index in enumerate(operator.outputs):
                known[index] = graph.call_function(getitem, (result, place)) if several else result
        makes = operators[-1].outputs
        graph.output(tuple(known[index] for index in makes))
        return cls(fx.GraphModule(root, graph).eval(), reads, makes)


def _random(network: Network, index: int, backend: str) -> Tensor:
    """Random values for a tensor of real numbers, ones for any other."""
    tensor = network.tensors[index]
    dtype: torch.dtype = getattr(torch, tensor.dtype)
    make = torch.randn if dtype.is_floating_point else torch.ones
    return make(tensor.shape, device=backend, dtype=dtype)


def sides(profile: Profile, costed: Costed, backend: str) -> tuple[dict[str, Work] | None, str]:
    """The two to time, ``now`` and ``then``, and what they are; or none, and why."""
    if backend == "cpu" and not private.compiles_cpp():
        return None, NO_COMPILER
    found = _producer(profile, costed)
    if found is None:
        return None, "nothing that could be compiled with it computes what it reads"
    maker, views = found
    network = profile.network
    operators = (maker.operator, *views, costed.operator)
    made = {index for operator in operators[:-1] for index in operator.outputs}
    outer = {index for operator in operators for index in operator.inputs} - made
    values = {index: _random(network, index, backend) for index in sorted(outer)}
    if maker.contraction is not None and maker.contraction.kernel:
        values = {index: _channels_last(tensor) for index, tensor in values.items()}
    producing, own, both = (Chain.of(part, network, values) for part in (operators[:-1], operators[-1:], operators))
    if not {*own.reads} <= {*values, *producing.makes}:
        return None, "it reads what its producer makes in more than one way"
    before, after = [values[i] for i in producing.reads], [values[i] for i in both.reads]
    try:
        produce, apart = private.compiled(producing.module, before)
        run_both, together = private.compiled(both.module, after)
    except Exception as error:  # whatever a compiler and its tools raise
        return None, f"torch.compile fails on it here ({_first_line(error)})"
    if not private.joins(apart, together):
        return None, "torch.compile gives it a kernel of its own here, after its producer's"

    def now() -> object:
        known = values | dict(zip(producing.makes, produce(*before), strict=True))
        return own.module(*[known[i] for i in own.reads])

    return {"now": now, "then": lambda: run_both(*after)}, COMPARED


def _producer(profile: Profile, costed: Costed) -> tuple[Costed, tuple[Operator, ...]] | None:
    """The operator in whose kernel ``costed`` would run, and the views between the two; None where it has none."""
    for read in costed.operator.inputs:
        maker = profile.maker(read) if read in profile.in_registers else None
        if maker is not None:
            views: list[Operator] = []
            index = read
            while (made := profile.network.producers[index]) is not maker.operator:
                views.insert(0, made)
                index = made.inputs[0]
            return maker, tuple(views)
    return None


def _filled_in(value: Argument, known: dict[int, fx.Node]) -> Any:
    if isinstance(value, Ref):
        return known[value.tensor]
    return [_filled_in(item, known) for item in value] if isinstance(value, tuple) else value


def _channels_last(tensor: Tensor) -> Tensor:
    return tensor.to(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)

"""What several tests of costs share: models from functions, operators by hand, torch's own count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mac_audit import network
from mac_audit.capture import capture
from mac_audit.cost import Costed, cost_of
from mac_audit.job import Job, run
from mac_audit.lower import lower
from mac_audit.profile import Profile
from mac_audit.report import Report
from mac_audit.request import Request
from mac_audit.rule import discover
from mac_audit.selection import choose


class Function(nn.Module):
    """A model whose forward is a function of its inputs and of ``weights``, its parameters."""

    def __init__(self, function: Callable[..., Any], *weights: tuple[int, ...]) -> None:
        super().__init__()
        self.function = function
        self.weights = nn.ParameterList([nn.Parameter(torch.empty(shape, device="meta")) for shape in weights])

    def forward(self, *args: Tensor) -> Any:
        return self.function(*args, *self.weights)


def meta(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


def index(*shape: int) -> Tensor:
    return meta(*shape, dtype=torch.int64)


def reported(request: Request) -> Report:
    """What the command line reports of it, by all rules as they are."""
    return run(Job(request.target, request, tuple(choose(discover(), [], {})))).report


def profile(model: nn.Module | Callable[..., Any], *inputs: Tensor, weights: tuple[Any, ...] = ()) -> Profile:
    """In eager mode: every operator one kernel."""
    module = model if isinstance(model, nn.Module) else Function(model, *weights)
    return Profile(lower(capture(module, inputs)), "eager")


def working(model: nn.Module | Callable[..., Any], *inputs: Tensor, weights: tuple[Any, ...] = ()) -> list[Costed]:
    return [whole(one) for one in profile(model, *inputs, weights=weights).working]


def whole(costed: Costed) -> Costed:
    """The same; its figures are counts, a quotient that comes out even among them too."""
    assert all(type(figure) is int for figure in astuple(costed.cost))
    return costed


def access(costed: Costed) -> tuple[int, int, int]:
    """Elements of activations read, of weights read, and written."""
    return costed.cost.reads_activation, costed.cost.reads_weight, costed.cost.writes


def only(costed: list[Costed], name: str) -> Costed:
    """The operator of that name, whatever its overload and whether in place."""
    (found,) = (c for c in costed if c.operator.target.split(".")[1].removesuffix("_") == name)
    return found


def torch_madds(model: nn.Module, *inputs: Tensor) -> int:
    """Half of what torch counts, on meta tensors and with frozen parameters."""
    with FlopCounterMode(display=False) as counter:
        model.to("meta").eval().requires_grad_(False)(*inputs)
    return counter.get_total_flops() // 2


def by_hand(overload: Any, *args: Any, outs: Sequence[Any], weights: Sequence[int] = (), **kwargs: Any) -> Costed:
    """The cost of one call of an operator that no test machine can run: one for another device, say.

    ``overload`` is torch's, or the text of a schema that torch does not have here. Tensors among the arguments are meta
    tensors; the results are shapes, or meta tensors. ``weights`` are the positions of arguments that are parameters.
    """
    tensors: list[network.Tensor] = []
    given: dict[int, network.Ref] = {}  # one tensor in two places is one

    def add(tensor: Any, role: Any = "activation") -> network.Ref:
        tensor = tensor if isinstance(tensor, Tensor) else meta(*tensor)
        name = str(tensor.dtype).removeprefix("torch.")
        size = tensor.numel()
        shape = tuple(tensor.shape)
        tensors.append(network.Tensor(shape, name, tensor.itemsize, size, storage=len(tensors), role=role))
        return network.Ref(len(tensors) - 1)

    def plain(value: Any, role: Any) -> Any:
        if isinstance(value, Tensor):
            if id(value) not in given:
                given[id(value)] = add(value, role)
            return given[id(value)]
        return tuple(plain(item, role) for item in value) if isinstance(value, tuple | list) else value

    schema = torch._C.parse_schema(overload) if isinstance(overload, str) else overload._schema
    arguments = {
        formal.name: plain(
            args[i] if i < len(args) else kwargs.pop(formal.name, formal.default_value),
            "parameter" if i in weights else "activation",
        )
        for i, formal in enumerate(schema.arguments)
    }
    assert not kwargs
    outputs = tuple(add(out).tensor for out in outs)
    operator = network.Operator("op", schema.name.replace("::", "."), arguments, outputs)
    return whole(cost_of(operator, network.Network(tuple(tensors), (operator,), (), (), outputs)))

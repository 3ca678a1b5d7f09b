"""Models that run: real weights in place of none, real inputs, and the time of each operator where it stands."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from operator import getitem
from statistics import median
from typing import Any

import torch
from torch import Tensor, fx, nn

from mac_audit import _torch as private
from mac_audit.capture import capture
from mac_audit.inputs import Inputs
from mac_audit.lower import lower
from mac_audit.measuring.stopwatch import clock, finish
from mac_audit.nested import map_tensors
from mac_audit.network import Network


@dataclass(frozen=True)
class Running:
    """A model in eval mode with its inputs on one device, its graph of operators and the network that this is."""

    model: nn.Module
    inputs: Inputs
    graph: fx.GraphModule
    network: Network

    def __call__(self) -> Any:
        """One run."""
        return self.model(*self.inputs.args, **self.inputs.kwargs)

    def operator_seconds(self, rounds: int = 5) -> dict[str, float]:
        """The median time of each operator by name, each run in its place between the others; caches are as there."""
        tensors = self.inputs.tensors
        clock = _Clock(self.graph)
        clock.run(*tensors)  # warm
        clock.seconds.clear()
        for _ in range(rounds):
            clock.run(*tensors)
        return {name: median(seconds) for name, seconds in clock.seconds.items()}


@contextmanager
def inference(threads: int = 0) -> Iterator[None]:
    """No gradients, no denormal numbers, freed memory kept, and ``threads`` of the processor (0: as it is)."""
    before = torch.get_num_threads()
    _keep_freed_memory()
    torch.set_flush_denormal(True)
    if threads:
        torch.set_num_threads(threads)
    try:
        with torch.no_grad():  # inference mode would hide the parts of composite operators from a capture
            yield
    finally:
        torch.set_num_threads(before)
        torch.set_flush_denormal(False)


def _keep_freed_memory() -> None:
    """Let malloc of glibc give nothing back to the system, as allocators made for servers do.

    By default it returns large blocks and gets them again page by page, which takes longer than many operators and
    comes and goes with the order of sizes. Elsewhere this does nothing.
    """
    if (adjust := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        trim_threshold, mmap_max = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of malloc.h
        adjust(trim_threshold, 2**31 - 1)
        adjust(mmap_max, 0)


def running(model: nn.Module, inputs: Any, device: str = "cpu", dtype: torch.dtype | None = None) -> Running:
    """``model`` with random weights on ``device``, ready to run on ``inputs``; the model is changed.

    Floating-point weights and inputs become ``dtype``, where one is given.
    """
    with_weights(model.eval(), device, dtype)
    arguments = Inputs.of(inputs)
    real = Inputs(
        map_tensors(lambda tensor: _real(tensor, device, dtype), arguments.args),
        map_tensors(lambda tensor: _real(tensor, device, dtype), dict(arguments.kwargs)),
    )
    graph = capture(model, real)
    return Running(model, real, graph, lower(graph))


def with_weights(model: nn.Module, device: str, dtype: torch.dtype | None = None) -> None:
    """Give each parameter and each buffer that lacks them values: activations keep about the size they have."""
    made: dict[int, nn.Parameter] = {}
    for module in model.modules():
        for name, parameter in private.parameters_of(module).items():
            if parameter is not None:
                if id(parameter) not in made:
                    values = _filled(parameter, device, dtype)
                    made[id(parameter)] = nn.Parameter(values, requires_grad=False)
                private.parameters_of(module)[name] = made[id(parameter)]
        for name, buffer in private.buffers_of(module).items():
            if buffer is not None:
                values = torch.ones_like(buffer, device=device) if buffer.is_meta else buffer.to(device)
                wanted = dtype if dtype is not None and values.is_floating_point() else values.dtype
                private.buffers_of(module)[name] = values.to(wanted)


def _filled(parameter: Tensor, device: str, dtype: torch.dtype | None) -> Tensor:
    values = torch.empty(parameter.shape, device=device, dtype=dtype or parameter.dtype)
    if values.dim() < 2:
        return values.fill_(0.5)
    fan_in = prod(parameter.shape[1:])
    return values.normal_(0, fan_in**-0.5)


def _real(tensor: Tensor, device: str, dtype: torch.dtype | None) -> Tensor:
    """Its own values where it has some; random ones, or zeros where it counts something (a token, an index)."""
    wanted = dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype
    if not tensor.is_meta:
        return tensor.detach().to(device=device, dtype=wanted)
    if tensor.is_floating_point():
        return torch.randn(tensor.shape, device=device).to(wanted)
    return torch.zeros(tensor.shape, device=device, dtype=wanted)


class _Clock(fx.Interpreter):
    """Runs the graph and notes how long each operator takes."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph)
        self.seconds: dict[str, list[float]] = {}
        self._now = clock()

    def run_node(self, n: fx.Node) -> Any:
        if n.op != "call_function" or n.target is getitem:
            return super().run_node(n)
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        finish()
        start = self._now()
        result = n.target(*args, **kwargs)  # type: ignore[operator]
        finish()
        self.seconds.setdefault(n.name, []).append(self._now() - start)
        return result

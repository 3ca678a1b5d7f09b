"""Every interface that torch does not promise to keep, in one place.

When a torch release moves one of them, this is the file to change.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch._dynamo  # a second; FakeTensorMode would import it at its first use
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
    UnsupportedOperatorException,
    in_kernel_invocation_manager,
    unset_fake_temporarily,
)
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import TensorWeakRef

__all__ = [
    "DataDependentOutputException",
    "DynamicOutputShapeException",
    "FakeTensor",
    "FakeTensorMode",
    "Kernels",
    "OpOverload",
    "OperatorMode",
    "TensorWeakRef",
    "UnsupportedOperatorException",
    "answer",
    "as_parameter",
    "buffers_of",
    "compiled",
    "compiles_cpp",
    "conversions_by_data",
    "fake_like",
    "fake_tensor",
    "fake_twin",
    "fake_view",
    "is_lift",
    "joins",
    "log",
    "log_silenced",
    "module_call",
    "packed_tensors",
    "parameters_of",
    "schema",
    "storage_key",
    "storage_reference",
    "taken_apart",
    "wants_accelerator",
]

log = logging.getLogger("torch._subclasses.fake_tensor")
module_call = torch.nn.Module.__call__
OpOverload = torch._ops.OpOverload

_LIFTS = (torch.ops.aten.lift_fresh.default, torch.ops.aten.lift.default)


def wants_accelerator(error: BaseException) -> bool:
    """Whether torch says in ``error`` that it has no CUDA, by how it was built or for want of a driver."""
    return any(said in str(error) for said in ("not compiled with CUDA", "NVIDIA driver", "No CUDA GPUs"))


@contextmanager
def log_silenced() -> Iterator[None]:
    """Keep tracebacks out of torch's log: what is wrong is raised as well, and told in a sentence."""
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


@functools.cache
def compiles_cpp() -> bool:
    """Whether torch.compile has a C++ compiler for what it makes for a processor."""
    from torch._inductor import cpp_builder, exc  # seconds

    try:
        cpp_builder.get_cpp_compiler()
    except (exc.InvalidCxxCompiler, OSError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Kernels:
    """What torch.compile made of a module: nodes of its own graph, and the kernels that it wrote for them.

    Nodes without a kernel are calls of a library.
    """

    nodes: int
    written: int


def compiled(module: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> tuple[Callable[..., Any], Kernels]:
    """``module`` as torch.compile has it for deployment, weights being constants: run once, with what it is made of.

    Only with weights as constants are element-wise operators handed to the library that convolves, on a processor.
    Each module is compiled for its own shapes: torch counts recompilations by code, which networks of the same classes
    share, and from the ninth on would run them as they are.
    """
    from torch._inductor import config, metrics

    metrics.reset()
    apart: dict[str, Any] = {"isolate_recompiles": True}  # which torch documents, but its overloads leave out
    run: Callable[..., Any] = torch.compile(module, dynamic=False, fullgraph=True, **apart)
    with config.patch(freezing=True):
        run(*inputs)
    return run, Kernels(metrics.ir_nodes_pre_fusion, metrics.generated_kernel_count)


def joins(before: Kernels, after: Kernels) -> bool:
    """Whether what ``after`` has more than ``before`` runs in a kernel that was there: none written, no call more."""
    return after.written == before.written and (after.nodes == before.nodes or before.written > 0)


class OperatorMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A dispatch mode that torch.compile needs not be told to leave alone: nothing below it is compiled.

    Operators that take functions (``flex_attention``, ``cond``) arrive too, see ``taken_apart``.
    """

    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


def answer(question: torch._ops.OpOverload, args: tuple[Any, ...]) -> Any:
    """What an operator of the namespace ``prim`` is told, which computes nothing: most ask for a tensor's device."""
    if question is torch.ops.prim.device.default and isinstance(args[0], FakeTensor):
        return args[0].fake_device
    return question(*args)


@functools.cache
def taken_apart(function: Any) -> Callable[..., Any] | None:
    """What an operator is made of, as a function that calls other operators; None where it is one by itself.

    A higher-order one where nothing compiles it, and inside of those what is usually taken apart before it gets here.
    """
    key = torch._C.DispatchKey
    if isinstance(function, torch._ops.HigherOrderOperator):
        return function.py_kernels.get(key.CompositeExplicitAutograd)
    composite = torch._C._dispatch_has_kernel_for_dispatch_key(function.name(), key.CompositeImplicitAutograd)
    return function.decompose if composite else None


def schema(function: Any) -> Any:
    """The schema of an operator: names, defaults and aliases of its arguments and results."""
    return function._schema


def parameters_of(module: torch.nn.Module) -> dict[str, Any]:
    """The table in which a module keeps its own parameters; what is put into it is the module's."""
    return module._parameters


def buffers_of(module: torch.nn.Module) -> dict[str, Any]:
    """The same of its buffers."""
    return module._buffers


def as_parameter(fake: torch.Tensor) -> None:
    """Let ``isinstance(fake, nn.Parameter)`` be true."""
    fake._is_param = True


def is_lift(function: torch._ops.OpOverload) -> bool:
    """Whether ``function`` is how a literal (``torch.tensor([1, 2])``) enters a trace."""
    return function in _LIFTS


def fake_twin(mode: FakeTensorMode, tensor: torch.Tensor) -> torch.Tensor:
    """A fake tensor like ``tensor``, on its device or, where that is ``meta``, as if on the CPU."""
    if tensor.device.type == "meta":
        return FakeTensor(mode, tensor.detach(), torch.device("cpu"))
    return mode.from_tensor(tensor.detach(), static_shapes=True)


def packed_tensors(packed: Any) -> tuple[torch.Tensor | None, ...]:
    """What a quantised layer packed: weight, and bias or None, of each of its products; none where it does not tell."""
    with unset_fake_temporarily():
        if packed._has_method("unpack"):
            unpacked = packed.unpack()
            return unpacked if isinstance(unpacked, tuple) else (unpacked,)
        if packed._has_method("__getstate__"):  # a recurrent cell, which packs packed products
            state, _ = packed.__getstate__()  # and the name of its class
            inner = [item for part in state if isinstance(part, list) for item in part]
            return tuple(t for item in inner if isinstance(item, torch.ScriptObject) for t in packed_tensors(item))
    return ()


def fake_tensor(mode: FakeTensorMode, device: torch.device) -> torch.Tensor:
    """A fake tensor without elements."""
    return FakeTensor(mode, torch.empty(0, device="meta"), device)


def fake_like(pattern: torch.Tensor, elements: torch.Tensor, requires_grad: bool = False) -> torch.Tensor:
    """A fake tensor that looks like ``elements``, in the mode and on the device of the fake tensor ``pattern``.

    What ``FakeTensor(mode, elements, device)`` makes, in a tenth of the time: its constructor checks much that is
    the same each time.
    """
    fake: torch.Tensor = torch.Tensor._make_subclass(
        FakeTensor,
        elements,
        requires_grad,
        dispatch_device=True,
        device_for_backend_keys=pattern.fake_device,  # type: ignore[attr-defined]
    )
    torch._C._set_warn_deprecated_on_mutable_data_ptr(fake)
    vars(fake).update(vars(pattern))
    return fake


def fake_view(base: torch.Tensor, shape: tuple[int, ...], stride: tuple[int, ...], offset: int) -> torch.Tensor:
    """A new fake tensor that looks at the memory of another one, which begins ``offset`` elements into it."""
    elements = torch.empty_strided(shape, stride, dtype=base.dtype, device="meta")
    mode = base.fake_mode  # type: ignore[attr-defined]
    with in_kernel_invocation_manager(mode):
        elements.set_(base.untyped_storage(), offset, shape, stride)
    return FakeTensor(mode, elements, base.fake_device)  # type: ignore[attr-defined]


@contextmanager
def conversions_by_data() -> Iterator[None]:
    """Let ``Module.to`` inside a ``forward`` give a fake parameter new data, as it gives to a real one.

    For fake ones it exchanges the tensors behind two Python objects, which it refuses where anybody knows either.
    """
    original = torch.utils.swap_tensors

    def give(parameter: torch.Tensor, converted: torch.Tensor) -> None:
        if isinstance(parameter, FakeTensor):
            parameter.data = converted
        else:
            original(parameter, converted)  # type: ignore[no-untyped-call]

    torch.utils.swap_tensors = give
    try:
        yield
    finally:
        torch.utils.swap_tensors = original


def storage_key(tensor: torch.Tensor) -> int:
    """A number that tensors have in common exactly when they share memory (while both are alive)."""
    key: int = tensor.untyped_storage()._cdata
    return key


def storage_reference(tensor: torch.Tensor) -> object:
    """While this is held, no other memory gets the ``storage_key`` of ``tensor``, also once that is gone."""
    return StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]

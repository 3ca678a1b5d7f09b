"""Multiply-adds as torch counts them: half of ``torch.utils.flop_counter``, with its blind spots lit.

On a CPU the counter sees neither attention, nor the fast path of ``nn.MultiheadAttention``, nor oneDNN's LSTM: all of
them count 0. A model is therefore run on meta tensors, where each takes the form that is counted; where ``forward``
needs values, on real tensors with attention as plain products, and the fast path and oneDNN switched off. A few other
operators are made of products and count 0 everywhere, those of experts first; their formulas are written here.

Nothing of ``mac_audit.cost`` or its formulas is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mac_audit.nested import map_tensors

LARGEST = 400_000_000  # parameters of a model that is run on real tensors


class Call(NamedTuple):
    """A model and the arguments of one call of it."""

    model: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def count(build: Callable[[], Call]) -> tuple[int, str]:
    """Multiply-adds of the call that ``build`` makes anew each time, and on which tensors they were counted."""
    try:
        return _count(build(), _on_meta), "meta tensors"
    except Exception:  # looks at values, or makes tensors of its own on the CPU
        call = build()
        parameters = sum(parameter.numel() for parameter in call.model.parameters())
        if parameters > LARGEST:
            raise ValueError(f"{parameters:,} parameters are too many to run with; choose a smaller model") from None
        torch.manual_seed(0)
        return _count(call, _on_cpu), "real tensors"


def _count(call: Call, place: Callable[[Tensor], Tensor]) -> int:
    model, args, kwargs = call
    _move(model, place)
    model.eval().requires_grad_(False)  # under no_grad it stops at views of parameters
    args, kwargs = map_tensors(place, (args, kwargs))
    with _seen(), FlopCounterMode(display=False, custom_mapping=_hidden_products()) as counter:
        model(*args, **kwargs)
    flops = counter.get_total_flops()
    assert flops % 2 == 0
    return flops // 2


def _move(model: nn.Module, place: Callable[[Tensor], Tensor]) -> None:
    """Parameters and buffers, tied ones together."""
    placed: dict[int, Tensor] = {}
    for module in model.modules():
        for table in (module._parameters, module._buffers):
            for name, tensor in table.items():
                if tensor is not None:
                    placed.setdefault(id(tensor), place(tensor))
                    table[name] = placed[id(tensor)]


def _on_meta(tensor: Tensor) -> Tensor:
    return _like(tensor, tensor.detach().to("meta"))


def _on_cpu(tensor: Tensor) -> Tensor:
    """Its values, or some where it has none: ones are valid as indices, and as a mask hide nothing."""
    if not tensor.is_meta:
        return tensor
    if tensor.is_floating_point() or tensor.is_complex():
        return _like(tensor, torch.randn(tensor.shape, dtype=tensor.dtype) * 0.02)
    return torch.ones(tensor.shape, dtype=tensor.dtype)


def _like(tensor: Tensor, moved: Tensor) -> Tensor:
    return nn.Parameter(moved, requires_grad=False) if isinstance(tensor, nn.Parameter) else moved


@contextmanager
def _seen() -> Iterator[None]:
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH), torch.backends.mkldnn.flags(enabled=False):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def _hidden_products() -> dict[Any, Callable[..., int]]:
    """What the counter takes for 0 though it is made of products; from the definitions in ATen."""

    def grouped(rows: Any, matrices: Any, *_: Any, **__: Any) -> int:
        """Each row with the matrix of its group: (m, k) and (groups, k, n)."""
        (m, k), (_, _, n) = rows, matrices
        return 2 * m * k * n

    def distances(x: Any, _: Any, out_shape: Any = None) -> int:
        """-2·x, ‖x‖² and 1 as one row, with y, 1 and ‖y‖² as a column."""
        return 2 * math.prod(out_shape) * (x[-1] + 2)

    def grid(theta: Any, *_: Any, out_shape: Any = None) -> int:
        """Each position, with a 1 after its coordinates, with the matrix theta."""
        return 2 * math.prod(out_shape) * theta[-1]

    aten = torch.ops.aten
    mapping: dict[Any, Callable[..., int]] = {
        aten._grouped_mm: grouped,
        aten._euclidean_dist: distances,
        aten.affine_grid_generator: grid,
    }
    if hasattr(torch.ops.transformers, "grouped_mm_fallback"):  # registered when transformers is imported
        mapping[torch.ops.transformers.grouped_mm_fallback] = grouped
    return mapping

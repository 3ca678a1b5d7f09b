"""Operators that move or make data and compute nothing, or next to nothing.

A gather reads the elements that it returns, at most the whole table once; a write into part of a tensor writes that
part.
"""

from __future__ import annotations

from math import prod

from mac_audit.cost import FREE, Work, formula, names_of
from mac_audit.network import Tensor

MOVED = Work("data-movement")

COPIES = """
    cat stack clone _to_copy contiguous _reshape_copy repeat repeat_interleave roll flip rot90 tril triu
    pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle im2col slice_scatter
    select_scatter diagonal_scatter as_strided_scatter view_copy permute_copy transpose_copy expand_copy
    slice_copy select_copy split_copy split_with_sizes_copy unbind_copy unfold_copy diag_embed block_diag
"""
MAKERS = """
    fill zero zeros ones full zeros_like ones_like full_like new_zeros new_ones new_full arange linspace
    logspace eye scalar_tensor tril_indices triu_indices rand randn randint rand_like randn_like randint_like
    randperm
"""
ALLOCATIONS = """
    empty empty_like empty_strided new_empty new_empty_strided lift lift_fresh lift_fresh_copy empty_permuted
"""


@formula(*names_of(COPIES))
def copy_of(outs: tuple[Tensor, ...]) -> Work:
    """Reads its operands, writes its results."""
    del outs
    return MOVED


@formula("aten.constant_pad_nd")
def constant_pad(self: Tensor, pad: tuple[int, ...]) -> Work:
    """Copies with a border; a negative border cuts off, and what is cut off is not read."""
    kept = list(self.shape)
    for i, width in enumerate(pad):  # from the last dimension, before and after
        kept[-1 - i // 2] += min(width, 0)
    return Work("data-movement", reads={"self": min(prod(kept), self.elements)})


@formula(*(f"aten.{kind}_pad{n}d" for kind in ("reflection", "replication") for n in (1, 2, 3)))
def pad(self: Tensor) -> Work:
    """Copies with a border."""
    del self
    return MOVED


@formula("aten.copy")
def copy(src: Tensor) -> Work:
    """Overwrites ``self``: reads the source alone."""
    del src
    return Work("data-movement", reads={"self": 0})


@formula(*names_of(MAKERS))
def made(out: Tensor) -> Work:
    """Writes a result that depends on no operand's elements."""
    del out
    return Work("data-movement", reads={"self": 0})


@formula(*names_of(ALLOCATIONS))
def set_aside() -> Work:
    """Memory without contents, and literals, which are there before the model runs."""
    return FREE


@formula("aten.embedding")
def embedding(weight: Tensor, out: Tensor) -> Work:
    """(rows, width) and indices (…) → (…, width)."""
    return Work("data-movement", reads={"weight": min(out.numel, weight.elements)})


@formula("aten.index", "aten.index_select", "aten.gather", "aten.take", "aten._unsafe_index", "aten.masked_select")
def gather(self: Tensor, out: Tensor) -> Work:
    """Picks elements by index."""
    return Work("data-movement", reads={"self": min(out.numel, self.elements)})


@formula("aten._embedding_bag", "aten._embedding_bag_forward_only")
def embedding_bag(weight: Tensor, indices: Tensor, out: Tensor) -> Work:
    """Adds up one row for each index."""
    touched = indices.numel * weight.shape[-1]
    return Work("data-movement", other_ops=touched, reads={"weight": min(touched, weight.elements)}, writes=out.numel)


@formula("aten.index_put", "aten._unsafe_index_put")
def index_put(
    self: Tensor, indices: tuple[Tensor | None, ...], values: Tensor, out: Tensor, accumulate: bool = False
) -> Work:
    """Writes ``values``, broadcast, at indices: into a copy of ``self``, or in place into that part alone.

    The part: the broadcast shape of the indices, times the dimensions that are not indexed. A mask counts as long
    as it is, which is the most that it can let through.
    """
    places: list[Tensor] = [index for index in indices if index is not None]
    masked = sum(len(index.shape) - 1 for index in places if index.dtype in ("bool", "uint8"))
    indexed = [size for size, index in zip(self.shape, indices, strict=False) if index is None]
    rest = prod(indexed) * prod(self.shape[len(indices) + masked :])
    written = prod(_broadcast([index.shape for index in places])) * rest
    return _scattered(self, out, max(written, values.numel), accumulate)


def _broadcast(shapes: list[tuple[int, ...]]) -> list[int]:
    """The common shape, aligned at the last dimension."""
    length = max(map(len, shapes), default=0)
    return [max((s[len(s) - i] for s in shapes if len(s) >= i), default=1) for i in range(length, 0, -1)]


@formula("aten.scatter", "aten.index_copy")
def scatter(self: Tensor, index: Tensor, out: Tensor, source: Tensor | None = None) -> Work:
    """Writes one element for each index: into a copy of ``self``, or in place into that part alone."""
    return _scattered(self, out, source.numel if source is not None else index.numel, accumulate=False)


@formula("aten.scatter_add", "aten.scatter_reduce", "aten.index_add")
def scatter_add(self: Tensor, index: Tensor, out: Tensor, source: Tensor | None = None) -> Work:
    """Like ``scatter``, onto what is there."""
    return _scattered(self, out, source.numel if source is not None else index.numel, accumulate=True)


def _scattered(self: Tensor, out: Tensor, written: int, accumulate: bool) -> Work:
    added = written if accumulate else 0
    if out.storage != self.storage:
        return Work("data-movement", other_ops=added)
    return Work("data-movement", other_ops=added, reads={"self": added}, writes=written)


@formula("aten.upsample_nearest1d", "aten.upsample_nearest2d", "aten.upsample_nearest3d")
@formula("aten._upsample_nearest_exact1d", "aten._upsample_nearest_exact2d", "aten._upsample_nearest_exact3d")
def nearest(self: Tensor, out: Tensor) -> Work:
    """Copies the nearest element; made smaller, it reads only those."""
    return Work("data-movement", reads={"self": min(self.elements, out.numel)})


def _interpolated(taps: int, out: Tensor) -> Work:
    """A product and a sum for each tap."""
    return Work("data-movement", other_ops=2 * taps * out.numel)


@formula("aten.upsample_linear1d")
def linear1d(out: Tensor) -> Work:
    """Two neighbours."""
    return _interpolated(2, out)


@formula("aten.upsample_bilinear2d", "aten._upsample_bilinear2d_aa")
def bilinear2d(out: Tensor) -> Work:
    """Four neighbours (with anti-aliasing at least)."""
    return _interpolated(4, out)


@formula("aten.upsample_trilinear3d")
def trilinear3d(out: Tensor) -> Work:
    """Eight neighbours."""
    return _interpolated(8, out)


@formula("aten.upsample_bicubic2d", "aten._upsample_bicubic2d_aa")
def bicubic2d(out: Tensor) -> Work:
    """Sixteen neighbours (with anti-aliasing at least)."""
    return _interpolated(16, out)


@formula("aten.grid_sampler_2d")
def grid_sample(out: Tensor, interpolation_mode: int) -> Work:
    """Bilinear, nearest or bicubic (0, 1, 2): four, no or sixteen neighbours to weigh."""
    return _interpolated({0: 4, 1: 0, 2: 16}[interpolation_mode], out)


@formula("aten.col2im")
def col2im(self: Tensor) -> Work:
    """Adds overlapping columns up."""
    return Work("data-movement", other_ops=prod(self.shape))

"""Operators that move or make data and compute nothing, or next to nothing.

A gather reads the elements that it returns, at most the whole table once; a write into part of a tensor writes that
part.
"""

from __future__ import annotations

from math import prod

from mac_audit.cost import FREE, Work, formula
from mac_audit.network import Tensor

MOVED = Work("data-movement")


@formula(
    *["aten.cat", "aten.stack", "aten.clone", "aten._to_copy", "aten.contiguous", "aten._reshape_copy", "aten.repeat", "aten.repeat_interleave", "aten.roll", "aten.flip", "aten.rot90", "aten.tril", "aten.triu", "aten.constant_pad_nd", "aten.pixel_shuffle", "aten.pixel_unshuffle", "aten.channel_shuffle", "aten.native_channel_shuffle", "aten.im2col", "aten.slice_scatter", "aten.select_scatter", "aten.diagonal_scatter", "aten.as_strided_scatter", "aten.view_copy", "aten.permute_copy", "aten.transpose_copy", "aten.expand_copy", "aten.slice_copy", "aten.select_copy", "aten.split_copy", "aten.split_with_sizes_copy", "aten.unbind_copy", "aten.unfold_copy", "aten.diag_embed", "aten.block_diag"]
)
def copy_of(outs: tuple[Tensor, ...]) -> Work:
    """Reads its operands, writes its results."""
    del outs
    return MOVED


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


@formula(
    *["aten.fill", "aten.zero", "aten.zeros", "aten.ones", "aten.full", "aten.zeros_like", "aten.ones_like", "aten.full_like", "aten.new_zeros", "aten.new_ones", "aten.new_full", "aten.arange", "aten.linspace", "aten.logspace", "aten.eye", "aten.scalar_tensor", "aten.tril_indices", "aten.triu_indices", "aten.rand", "aten.randn", "aten.randint", "aten.rand_like", "aten.randn_like", "aten.randint_like", "aten.randperm"]
)
def made(out: Tensor) -> Work:
    """Writes a result that depends on no operand's elements."""
    del out
    return Work("data-movement", reads={"self": 0})


@formula(
    *["aten.empty", "aten.empty_like", "aten.empty_strided", "aten.new_empty", "aten.new_empty_strided", "aten.lift", "aten.lift_fresh", "aten.lift_fresh_copy", "aten.empty_permuted"]
)
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
def index_put(self: Tensor, values: Tensor, out: Tensor, accumulate: bool = False) -> Work:
    """Writes ``values`` at indices: into a copy of ``self``, or in place into that part alone."""
    return _scattered(self, out, values.numel, accumulate)


@formula("aten.scatter", "aten.scatter_add", "aten.scatter_reduce", "aten.index_add", "aten.index_copy")
def scatter(self: Tensor, index: Tensor, out: Tensor, source: Tensor | None = None) -> Work:
    """Writes one element for each index: into a copy of ``self``, or in place into that part alone."""
    return _scattered(self, out, source.numel if source is not None else index.numel, accumulate=False)


def _scattered(self: Tensor, out: Tensor, written: int, accumulate: bool) -> Work:
    if out.storage != self.storage:
        return MOVED
    return Work("data-movement", reads={"self": written if accumulate else 0}, writes=written)


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


@formula("aten.col2im")
def col2im(self: Tensor) -> Work:
    """Adds overlapping columns up."""
    return Work("data-movement", other_ops=prod(self.shape))

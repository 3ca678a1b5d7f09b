"""Operators that move or make data and compute nothing, or next to nothing.

A gather reads the elements that it returns, at most the whole table once.
"""

from __future__ import annotations

from math import prod

from mac_audit.cost import FREE, Work, formula, names_of
from mac_audit.network import Tensor

MOVED = Work("data-movement")

COPIES = """
    cat stack clone _to_copy contiguous _reshape_copy repeat repeat_interleave roll flip rot90 tril triu
    pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle im2col diag_embed block_diag lu_unpack
    unsafe_split unsafe_split_with_sizes _unsafe_view _stack _chunk_cat _to_dense _pin_memory _lazy_clone _copy_from
    _pack_padded_sequence to_mkldnn _mkldnn_reshape _mkldnn_transpose mkldnn_reorder_conv2d_weight
    mkldnn_reorder_conv3d_weight
    alias_copy as_strided_copy detach_copy diagonal_copy expand_copy permute_copy select_copy slice_copy split_copy
    split_with_sizes_copy squeeze_copy t_copy transpose_copy unbind_copy unfold_copy unsqueeze_copy view_copy
    view_as_complex_copy view_as_real_copy narrow_copy _reshape_alias_copy _conj_copy _neg_view_copy
"""
MAKERS = """
    fill zero zeros ones full zeros_like ones_like full_like new_zeros new_ones new_full arange linspace
    logspace eye scalar_tensor tril_indices triu_indices rand randn randint rand_like randn_like randint_like
    randperm range hann_window hamming_window blackman_window bartlett_window kaiser_window
"""
ALLOCATIONS = """
    empty empty_like empty_strided new_empty new_empty_strided lift lift_fresh lift_fresh_copy empty_permuted
    empty_quantized _empty_affine_quantized resize set
"""
QUESTIONS = """
    _local_scalar_dense _linalg_check_errors _assert_async _functional_assert_async _assert_scalar
    _functional_assert_scalar _assert_tensor_metadata sym_constrain_range sym_constrain_range_for_size
    sym_size sym_stride sym_numel sym_storage_offset is_same_size _has_same_storage_numel record_stream
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


@formula(*names_of(QUESTIONS))
def asked() -> Work:
    """Looks at a shape or at one element, or ends the program."""
    return FREE


@formula("aten.embedding")
def embedding(weight: Tensor, out: Tensor) -> Work:
    """(rows, width) and indices (…) → (…, width)."""
    return Work("data-movement", reads={"weight": min(out.numel, weight.elements)})


@formula(*names_of("index index_select gather take _unsafe_index _unsafe_masked_index masked_select"))
def gather(self: Tensor, out: Tensor) -> Work:
    """Picks elements by index."""
    return Work("data-movement", reads={"self": min(out.numel, self.elements)})


@formula("aten._embedding_bag", "aten._embedding_bag_forward_only")
def embedding_bag(weight: Tensor, indices: Tensor, out: Tensor, per_sample_weights: Tensor | None = None) -> Work:
    """Adds up one row for each index, or a multiple of it; the other results are of no use without gradients."""
    touched = indices.numel * weight.shape[-1]
    return Work(
        "data-movement",
        other_ops=touched * (1 if per_sample_weights is None else 2),
        reads={"weight": min(touched, weight.elements)},
        writes=out.numel,
    )


@formula("aten.embedding_renorm")
def embedding_renorm(self: Tensor, indices: Tensor) -> Work:
    """Scales the rows that are looked up, where they are too long: a square, a sum and a product an element."""
    touched = min(indices.numel * self.shape[-1], self.elements)
    return Work("data-movement", other_ops=3 * touched, reads={"self": touched}, writes=touched)


@formula("aten.col2im")
def col2im(self: Tensor) -> Work:
    """Adds overlapping columns up."""
    return Work("data-movement", other_ops=self.numel)

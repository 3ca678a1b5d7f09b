"""Scaled dot-product attention, in each form that a backend gives it, and layers that are one kernel around it.

Both products are counted in full, b·h·L_q·L_k·(d_qk + d_v), also where a mask, a window or causality hides part of
them: what is skipped depends on the kernel. With fewer heads of keys than of queries each query meets the keys of its
group, so that the heads of the queries count. Softmax takes six scalar operations an entry: scale, maximum, difference,
exp, sum, quotient.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from mac_audit.cost import Work, formula
from mac_audit.network import Tensor

SOFTMAX_OPS = 6
NORM_OPS = 7  # an element: mean, variance (2), difference, quotient, scale, shift


def _attended(entries: int, width: int, value_width: int) -> Work:
    return Work("matmul", entries * (width + value_width), other_ops=entries * SOFTMAX_OPS)


@formula(
    "aten.scaled_dot_product_attention",
    "aten._scaled_dot_product_flash_attention_for_cpu",
    "aten._scaled_dot_product_flash_attention",
    "aten._scaled_dot_product_efficient_attention",
    "aten._scaled_dot_product_cudnn_attention",
    "aten._scaled_dot_product_attention_math",
    "aten._scaled_dot_product_attention_math_for_mps",
    "aten._scaled_dot_product_fused_attention_overrideable",
    "aten._triton_scaled_dot_attention",
)
def scaled_dot_product_attention(ins: tuple[Tensor, ...]) -> Work:
    """Query (…, L_q, d_qk), key (…, L_k, d_qk), value (…, L_k, d_v); before L_q stand batch and heads."""
    query, key, value = ins[:3]
    *heads, queries, width = query.shape
    return _attended(prod(heads) * queries * key.shape[-2], width, value.shape[-1])


@formula("aten._flash_attention_forward", "aten._flash_attention_forward_no_dropout_inplace")
def flash_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cum_seq_q: Tensor | None,
    cum_seq_k: Tensor | None,
    max_q: int,
    max_k: int,
    block_table: Tensor | None = None,
) -> Work | None:
    """Positions before heads.

    Keys in pages, (pages, page, heads, d), count as if each sequence were as long as the longest.
    """
    if block_table is not None:
        work: Work | None = _attended(prod(query.shape[:-1]) * max_k, query.shape[-1], value.shape[-1])
    else:
        work = _positions_before_heads(query, key, value, (cum_seq_q, cum_seq_k), (max_q, max_k))
    return work and replace(work, reads={"out": 0})  # where one is given, to be overwritten


@formula("aten._efficient_attention_forward")
def efficient_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cu_seqlens_q: Tensor | None,
    cu_seqlens_k: Tensor | None,
    max_seqlen_q: int | None,
    max_seqlen_k: int | None,
) -> Work | None:
    """Positions before heads."""
    ends, longest = (cu_seqlens_q, cu_seqlens_k), (max_seqlen_q, max_seqlen_k)
    return _positions_before_heads(query, key, value, ends, longest)


def _positions_before_heads(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    ends: tuple[Tensor | None, Tensor | None],
    longest: tuple[int | None, int | None],
) -> Work | None:
    """Query (batch, L_q, heads, d_qk), or sequences one after the other, (ΣL_q, heads, d_qk)."""
    ends_q, ends_k = ends
    if ends_q is None or ends_k is None:
        return _attended(prod(query.shape[:-1]) * key.shape[-3], query.shape[-1], value.shape[-1])
    return _packed(query, key, value, ends_q, ends_k, longest)


def _packed(
    query: Tensor, key: Tensor, value: Tensor, ends_q: Tensor, ends_k: Tensor, longest: tuple[int | None, int | None]
) -> Work | None:
    """Sequences one after the other; where each ends is a value, and not to be seen.

    b sequences that are all as long have ΣL_q·ΣL_k/b entries a head. Of different lengths they have more, if queries
    and keys are of the same sequences (the mean of squares is at least the square of the mean).
    """
    sequences, queries, keys = max(ends_q.numel - 1, 1), prod(query.shape[:-2]), prod(key.shape[:-2])
    work = _attended(query.shape[-2] * queries * keys // sequences, query.shape[-1], value.shape[-1])
    if sequences == 1 or longest == (queries // sequences, keys // sequences):
        return work
    return replace(work, lower_bound=True) if ends_q.storage == ends_k.storage else None


@formula("aten._cudnn_attention_forward")
def cudnn_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    max_q: int,
    max_k: int,
    cum_seq_q: Tensor | None = None,
    cum_seq_k: Tensor | None = None,
) -> Work | None:
    """Query (batch, heads, L_q, d_qk), or packed like that of ``_flash_attention_forward``."""
    if cum_seq_q is None or cum_seq_k is None:
        return scaled_dot_product_attention((query, key, value))
    return _packed(query, key, value, cum_seq_q, cum_seq_k, (max_q, max_k))


def _multi_head(query: Tensor, key: Tensor, embed_dim: int, num_heads: int) -> Work:
    """Projections of (batch, L, embed_dim) to queries, keys and values, attention, projection back."""
    batch, queries, keys = query.shape[0], query.shape[1], key.shape[1]
    attended = _attended(batch * num_heads * queries * keys, embed_dim // num_heads, embed_dim // num_heads)
    projected = batch * (2 * queries + 2 * keys) * embed_dim
    return Work("matmul", projected * embed_dim + attended.madds, other_ops=projected + attended.other_ops)


@formula("aten._native_multi_head_attention", "aten._triton_multi_head_attention")
def multi_head_attention(query: Tensor, key: Tensor, embed_dim: int, num_head: int) -> Work:
    """The fast path of ``nn.MultiheadAttention``, one operator."""
    return _multi_head(query, key, embed_dim, num_head)


@formula("aten._transformer_encoder_layer_fwd")
def transformer_encoder_layer(
    src: Tensor, embed_dim: int, num_heads: int, ffn_weight_1: Tensor, use_gelu: bool
) -> Work:
    """The fast path of ``nn.TransformerEncoderLayer``: attention, two norms, two sums, two linear layers."""
    attention = _multi_head(src, src, embed_dim, num_heads)
    positions, hidden = src.numel // embed_dim, ffn_weight_1.shape[0]
    activation = 5 if use_gelu else 1
    return Work(
        "matmul",
        attention.madds + 2 * positions * embed_dim * hidden,
        other_ops=attention.other_ops
        + positions * embed_dim * (2 * NORM_OPS + 2 + 1)  # norms, sums, the second bias
        + positions * hidden * (1 + activation),
    )


@formula("aten._transform_bias_rescale_qkv")
def split_heads(qkv: Tensor) -> Work:
    """Adds a bias, scales the queries (a third) and puts heads before positions."""
    return Work("elementwise", other_ops=qkv.numel + qkv.numel // 3)

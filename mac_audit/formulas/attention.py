"""Scaled dot-product attention, in each form that a backend gives it.

``query`` is (…, L_q, d_qk), ``key`` (…, L_k, d_qk), ``value`` (…, L_k, d_v); the leading dimensions of the query
are batch and heads. Both products are counted in full, also where a mask hides half of them: what is skipped
depends on the kernel. Softmax takes six scalar operations an entry: scale, maximum, difference, exp, sum, quotient.
"""

from __future__ import annotations

from math import prod

from mac_audit.cost import Work, formula
from mac_audit.network import Tensor

SOFTMAX_OPS = 6


@formula(
    "aten.scaled_dot_product_attention",
    "aten._scaled_dot_product_flash_attention_for_cpu",
    "aten._scaled_dot_product_flash_attention",
    "aten._scaled_dot_product_efficient_attention",
    "aten._scaled_dot_product_cudnn_attention",
    "aten._scaled_dot_product_attention_math",
    "aten._scaled_dot_product_fused_attention_overrideable",
)
def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor) -> Work:
    """b·h·L_q·L_k·(d_qk + d_v)."""
    *heads, queries, width = query.shape
    entries = prod(heads) * queries * key.shape[-2]
    return Work("matmul", entries * (width + value.shape[-1]), other_ops=entries * SOFTMAX_OPS)

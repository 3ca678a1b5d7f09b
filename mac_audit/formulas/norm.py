"""Normalisation and softmax.

Scalar operations an element: with given statistics, difference, scale, and two more for the affine part; statistics
of its own take three more (mean, difference, square). Softmax: maximum, difference, exp, sum, quotient.
"""

from __future__ import annotations

from mac_audit.cost import Work, formula
from mac_audit.network import Tensor


def _normalised(input: Tensor, affine: bool, statistics: bool) -> Work:
    return Work("norm", other_ops=input.numel * (2 + 2 * affine + 3 * statistics))


@formula(
    "aten.native_batch_norm",
    "aten._native_batch_norm_legit",
    "aten._native_batch_norm_legit_functional",
    "aten._native_batch_norm_legit_no_training",
    "aten._batch_norm_no_update",
    "aten.cudnn_batch_norm",
    "aten.miopen_batch_norm",
)
def batch_norm(input: Tensor, weight: Tensor | None = None, training: bool = False) -> Work:
    """(batch, channels, …), with running statistics unless ``training``."""
    return _normalised(input, weight is not None, statistics=training)


@formula("aten._batch_norm_with_update", "aten._batch_norm_with_update_functional")
def batch_norm_with_update(input: Tensor, weight: Tensor | None = None) -> Work:
    """Of what it sees, which the running statistics take in."""
    return _normalised(input, weight is not None, statistics=True)


@formula("aten.native_layer_norm", "aten.native_group_norm", "aten._fused_rms_norm")
def layer_norm(input: Tensor, weight: Tensor | None = None) -> Work:
    """Layer, group and root-mean-square norm compute statistics of what they see."""
    return _normalised(input, weight is not None, statistics=True)


@formula("aten._softmax", "aten._log_softmax", "aten._safe_softmax")
def softmax(out: Tensor) -> Work:
    """Along one dimension."""
    return Work("norm", other_ops=5 * out.numel)


@formula("aten._masked_softmax")
def masked_softmax(out: Tensor) -> Work:
    """A choice by the mask besides."""
    return Work("norm", other_ops=6 * out.numel)


@formula("aten._weight_norm_interface")
def weight_norm(v: Tensor) -> Work:
    """g · v / ‖v‖: a product and a sum for the norm of each slice, and a product to scale it."""
    return Work("norm", other_ops=3 * v.numel)

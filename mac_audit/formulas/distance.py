"""Distances between vectors: a difference, a power and a sum for each element of each pair, and a root."""

from __future__ import annotations

from mac_audit.cost import Work, formula
from mac_audit.network import Tensor


def _apart(pairs: int, width: int) -> Work:
    return Work("reduction", other_ops=pairs * (3 * width + 1))


@formula("aten._cdist_forward")
def cdist(x1: Tensor, out: Tensor) -> Work:
    """(…, p, width) and (…, r, width) → (…, p, r)."""
    return _apart(out.numel, x1.shape[-1])


@formula("aten._pdist_forward")
def pdist(self: Tensor, out: Tensor) -> Work:
    """(n, width) → one for each of the n·(n-1)/2 pairs."""
    return _apart(out.numel, self.shape[-1])


@formula("aten.dist")
def dist(self: Tensor) -> Work:
    """One distance between two tensors."""
    return _apart(1, self.numel)


@formula("aten._euclidean_dist")
def euclidean_dist(x1: Tensor, x2: Tensor, out: Tensor) -> Work:
    """‖x‖² - 2·x·y + ‖y‖² as one product of vectors that are two elements longer, and a root."""
    width = x1.shape[-1]
    norms = 2 * (x1.numel + x2.numel)
    return Work("matmul", out.numel * (width + 2), other_ops=norms + out.numel)

"""Reductions: one scalar operation for each element that goes in."""

from __future__ import annotations

from math import log2

from mac_audit.cost import Work, formula, names_of
from mac_audit.network import Tensor

REDUCTIONS = """
    sum mean prod amax amin aminmax max min argmax argmin any all cumsum cumprod cummax cummin logcumsumexp
    nansum median count_nonzero
"""


@formula(*names_of(REDUCTIONS))
def reduction(self: Tensor) -> Work:
    """Over some or all dimensions, or running along one; ``max`` of two tensors is element-wise ``maximum``."""
    return Work("reduction", other_ops=self.numel)


@formula("aten.logsumexp")
def logsumexp(self: Tensor) -> Work:
    """Maximum, difference, exp, sum."""
    return Work("reduction", other_ops=4 * self.numel)


@formula("aten.linalg_vector_norm", "aten.norm", "aten.var", "aten.std", "aten.var_mean", "aten.std_mean")
def second_moment(self: Tensor) -> Work:
    """A product and a sum for each element, and a difference where a mean is taken off."""
    return Work("reduction", other_ops=3 * self.numel)


@formula("aten.sort", "aten.argsort", "aten.topk", "aten.kthvalue", "aten.msort")
def sort(self: Tensor) -> Work:
    """n·log₂ n comparisons along the last dimension."""
    length = self.shape[-1] if self.shape else 1
    return Work("reduction", other_ops=int(self.numel * max(1.0, log2(max(length, 1)))))


@formula("aten.nll_loss_forward", "aten.nll_loss2d_forward")
def nll_loss(self: Tensor, target: Tensor) -> Work:
    """Picks the log-probability of each target and adds them up."""
    return Work("reduction", other_ops=target.numel, reads={"self": min(target.numel, self.elements)})

"""Reductions: one scalar operation for each element that goes in; sorting and searching."""

from __future__ import annotations

from math import log2

from mac_audit.cost import Work, formula, names_of
from mac_audit.network import Tensor

REDUCTIONS = """
    sum mean prod amax amin aminmax _aminmax max min argmax argmin any all cumsum cumprod cummax cummin logcumsumexp
    _logcumsumexp nansum median nanmedian count_nonzero trace segment_reduce nonzero nonzero_static bincount
    _is_all_true _is_any_true
"""


@formula(*names_of(REDUCTIONS))
def reduction(ins: tuple[Tensor, ...], out: Tensor, other: Tensor | None = None) -> Work:
    """Over some or all dimensions, or running along one; ``max`` of two tensors is element-wise ``maximum``."""
    if other is not None:
        return Work("elementwise", other_ops=out.numel)
    return Work("reduction", other_ops=ins[0].numel)


@formula("aten.equal")
def equal(self: Tensor) -> Work:
    """One comparison for each two elements."""
    return Work("reduction", other_ops=self.numel)


@formula("aten.logsumexp")
def logsumexp(self: Tensor) -> Work:
    """Maximum, difference, exp, sum."""
    return Work("reduction", other_ops=4 * self.numel)


@formula(*names_of("linalg_vector_norm linalg__powsum norm native_norm renorm var std var_mean std_mean"))
def second_moment(self: Tensor) -> Work:
    """A product and a sum for each element, and a difference where a mean is taken off (``renorm``: a product)."""
    return Work("reduction", other_ops=3 * self.numel)


def _sorted(numel: int, length: int) -> int:
    return int(numel * log2(max(length, 2)))


@formula("aten.sort", "aten.argsort", "aten.topk", "aten.kthvalue", "aten.mode")
def sort(self: Tensor, dim: int) -> Work:
    """n·log₂ n comparisons along a dimension."""
    return Work("reduction", other_ops=_sorted(self.numel, self.shape[dim] if self.shape else 1))


@formula("aten.msort")
def msort(self: Tensor) -> Work:
    """Along the first dimension."""
    return sort(self, dim=0)


@formula(*names_of("_unique _unique2 unique_dim unique_consecutive unique_dim_consecutive"))
def unique(self: Tensor) -> Work:
    """Sorts all elements."""
    return Work("reduction", other_ops=_sorted(self.numel, self.numel))


@formula("aten.bucketize")
def bucketize(boundaries: Tensor, out: Tensor) -> Work:
    """A binary search for each element."""
    return Work("reduction", other_ops=_sorted(out.numel, boundaries.numel))


@formula("aten.searchsorted")
def searchsorted(sorted_sequence: Tensor, out: Tensor) -> Work:
    """A binary search for each element."""
    return Work("reduction", other_ops=_sorted(out.numel, sorted_sequence.shape[-1]))


@formula("aten.isin")
def isin(ins: tuple[Tensor, ...]) -> Work:
    """Each element against each candidate, or both sorted where that is less."""
    elements, candidates = ins[0].numel, ins[1].numel if len(ins) > 1 else 1
    together = elements + candidates
    return Work("reduction", other_ops=min(elements * candidates, _sorted(together, together)))


@formula("aten.histc", "aten.histogram", "aten._histogramdd_from_bin_cts")
def histogram(self: Tensor) -> Work:
    """A difference, a quotient and a sum for each element."""
    return Work("reduction", other_ops=3 * self.numel)


@formula("aten.multinomial")
def multinomial(self: Tensor, out: Tensor) -> Work:
    """A running sum of the probabilities, and a draw with a binary search for each sample."""
    return Work("reduction", other_ops=self.numel + out.numel + _sorted(out.numel, self.shape[-1]))

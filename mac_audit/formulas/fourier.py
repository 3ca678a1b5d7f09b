"""Fourier transforms.

A transform over N = ∏n elements takes 5·N·log₂ N scalar operations, half of that where one side is real: the count
that benchmarks of FFTs go by, which is that of the radix-2 algorithm, N/2·log₂ N butterflies of one complex product
(6) and two complex sums (4). Source: Frigo and Johnson, "FFT benchmark methodology", fftw.org/speed/method.html. It
is no contraction, so none of it is multiply-adds.
"""

from __future__ import annotations

from math import log2, prod

from mac_audit.cost import Work, formula
from mac_audit.network import Tensor


def _transformed(whole: Tensor, dim: tuple[int, ...], factor: float) -> Work:
    """``whole`` is the side that has all N elements of the transformed dimensions, of which there is at least one."""
    length = prod(whole.shape[d] for d in dim)
    return Work("other", other_ops=round(factor * whole.numel * log2(length)))


@formula("aten._fft_c2c")
def complex_to_complex(self: Tensor, dim: tuple[int, ...]) -> Work:
    """5·N·log₂ N for each of the batch."""
    return _transformed(self, dim, 5)


@formula("aten._fft_r2c")
def real_to_complex(self: Tensor, dim: tuple[int, ...]) -> Work:
    """2.5·N·log₂ N, with N real elements going in."""
    return _transformed(self, dim, 2.5)


@formula("aten._fft_c2r")
def complex_to_real(out: Tensor, dim: tuple[int, ...]) -> Work:
    """2.5·N·log₂ N, with N real elements coming out."""
    return _transformed(out, dim, 2.5)

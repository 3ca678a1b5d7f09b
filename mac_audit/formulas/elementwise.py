"""Element-wise operators: a few scalar operations for each element of the result.

Each counts the scalar operations of its definition, a transcendental function as one: ``gelu`` is
x · (1 + erf(x / √2)) / 2. They serve to tell arithmetic from memory in a roofline, not to be summed into FLOPs.
"""

from __future__ import annotations

from mac_audit.cost import Work, formula, names_of
from mac_audit.network import Tensor

SCALAR_OPERATIONS = {
    1: """
        abs acos acosh add angle asin asinh atan atan2 atanh bitwise_and bitwise_left_shift bitwise_not bitwise_or
        bitwise_right_shift bitwise_xor ceil clamp_max clamp_min copysign cos cosh deg2rad digamma div eq erf erfc
        erfinv exp exp2 expm1 floor floor_divide fmax fmin fmod frac ge gt heaviside hypot i0 isinf isnan isneginf
        isposinf le lgamma log log10 log1p log2 logical_and logical_not logical_or logical_xor lt maximum minimum mul
        ne neg nextafter pow reciprocal relu remainder round rsqrt sgn sign signbit sin sinh sqrt square sub tan tanh
        threshold trunc where masked_fill nan_to_num real imag conj_physical _conj_physical frexp gcd igamma igammac
        lcm ldexp mvlgamma polygamma _masked_scale
        special_airy_ai special_bessel_j0 special_bessel_j1 special_bessel_y0 special_bessel_y1
        special_chebyshev_polynomial_t special_chebyshev_polynomial_u special_chebyshev_polynomial_v
        special_chebyshev_polynomial_w special_erfcx special_hermite_polynomial_h special_hermite_polynomial_he
        special_i0e special_i1 special_i1e special_laguerre_polynomial_l special_legendre_polynomial_p
        special_log_ndtr special_modified_bessel_i0 special_modified_bessel_i1 special_modified_bessel_k0
        special_modified_bessel_k1 special_ndtri special_scaled_modified_bessel_k0
        special_scaled_modified_bessel_k1 special_shifted_chebyshev_polynomial_t
        special_shifted_chebyshev_polynomial_u special_shifted_chebyshev_polynomial_v
        special_shifted_chebyshev_polynomial_w special_spherical_bessel_j0 special_zeta
    """,
    2: """
        clamp hardtanh leaky_relu rsub xlogy logaddexp logaddexp2 rad2deg _prelu_kernel prelu rrelu relu6 sinc
        rrelu_with_noise rrelu_with_noise_functional special_entr special_xlog1py _add_relu
    """,
    3: "addcmul addcdiv lerp elu softplus softshrink hardshrink log_sigmoid_forward log_sigmoid complex polar",
    4: "sigmoid hardsigmoid celu selu logit",
    5: "silu hardswish gelu glu mish",
}


def _register(scalar_operations: int, names: str) -> None:
    @formula(*names_of(names))
    def elementwise(out: Tensor) -> Work:
        return Work("elementwise", other_ops=scalar_operations * out.numel)


for _count, _names in SCALAR_OPERATIONS.items():
    _register(_count, _names)


@formula(*names_of("__and__ __or__ __xor__ __lshift__ __rshift__ __ilshift__ __irshift__"))
def python_operator(out: Tensor) -> Work:
    """Operators of Python that ATen keeps under their own names."""
    return Work("elementwise", other_ops=out.numel)


@formula(*names_of("native_dropout _fused_dropout poisson binomial _standard_gamma _sample_dirichlet"))
def drawn(outs: tuple[Tensor, ...]) -> Work:
    """One draw an element (dropout: and a product), from a distribution that the operands say."""
    return Work("elementwise", other_ops=sum(out.numel for out in outs))


@formula(*names_of("normal normal_functional uniform exponential geometric cauchy log_normal random"))
def drawn_over(out: Tensor) -> Work:
    """One draw an element; what it overwrites is not read."""
    return Work("elementwise", other_ops=out.numel, reads={"self": 0})


@formula("aten.bernoulli")
def bernoulli(out: Tensor, p: Tensor | float | None = None) -> Work:
    """One draw an element, with the probabilities in ``self`` where none are given."""
    return Work("elementwise", other_ops=out.numel, reads={} if p is None else {"self": 0})

"""Operators on quantised tensors: layers with packed weights, weights of 4 and 8 bits, conversions.

A packed weight arrives as the tensors in it, weight and bias; where an object does not tell them, what needs the
weight's shape is unknown. Converting to integers takes five scalar operations an element (quotient, rounding, offset,
two limits), converting back two (difference, product). Operators between quantised tensors convert what goes in and
what comes out; integer products do so with their results alone.
"""

from __future__ import annotations

from dataclasses import replace

from mac_audit.cost import Work, formula, names_of
from mac_audit.formulas.conv import convolved
from mac_audit.formulas.matmul import applied, product
from mac_audit.network import Tensor

QUANTIZE, DEQUANTIZE = 5, 2
Packed = tuple[Tensor | None, ...]

_LINEAR = """
    linear linear_relu linear_dynamic linear_relu_dynamic linear_dynamic_fp16 linear_relu_dynamic_fp16
    linear_leaky_relu linear_tanh linear_with_input_q_dq_qweight_dq_output_fp32
    linear_with_input_q_dq_qweight_dq_relu_output_fp32
"""


@formula(*(f"quantized.{name}" for name in _LINEAR.split()), "_quantized.linear", "_quantized.linear_dynamic")
def packed_linear(X: Tensor, W_prepack: Packed, out: Tensor) -> Work | None:
    """(…, c_in) → (…, c_out), with bias and conversion of the result."""
    weight = W_prepack[0] if W_prepack else None
    return applied(X, weight, out, added=1 + QUANTIZE) if weight is not None else None


_CONV = [f"conv{n}d{after}" for n in (1, 2, 3) for after in ("", "_relu", "_dynamic")]


def _register_conv(transposed: bool, *names: str) -> None:
    @formula(*names)
    def packed_convolution(
        qx: Tensor, out: Tensor, packed_weight: Packed = (), weight: Packed = (), groups: int | None = None
    ) -> Work | None:
        """With bias and conversion of the result; in one dimension the packed weight has a second one of size 1."""
        kernel = (*packed_weight, *weight)[:1]
        if not kernel or kernel[0] is None:
            return None
        full = kernel[0]
        flat = replace(full, shape=(*full.shape[:2], *full.shape[2:][-(len(out.shape) - 2) :]))
        return convolved(qx, flat, out, groups, transposed=transposed, added=1 + QUANTIZE)


_register_conv(False, *(f"quantized.{name}" for name in (*_CONV, "conv2d_add", "conv2d_add_relu")))
_register_conv(False, *(f"_quantized.conv{n}d{after}" for n in (2, 3) for after in ("", "_relu")))
_register_conv(True, "_quantized.conv_transpose1d", "_quantized.conv_transpose2d")
_register_conv(True, *(f"quantized.conv_transpose{n}d{after}" for n in (1, 2, 3) for after in ("", "_dynamic")))


@formula("onednn.qlinear_pointwise")
def qlinear(qx: Tensor, qw: Tensor, out: Tensor, bias: Tensor | None = None, other: Tensor | None = None) -> Work:
    """(…, c_in) → (…, c_out), onto ``other``, with conversion of the result."""
    return applied(qx, qw, out, added=(bias is not None) + (other is not None) + QUANTIZE)


@formula(*(f"onednn.qconv{n}_pointwise" for n in ("", "1d", "2d", "3d")))
def qconv(
    qx: Tensor,
    qw: Tensor,
    out: Tensor,
    dilation: tuple[int, ...],
    groups: int,
    bias: Tensor | None = None,
    qaccum: Tensor | None = None,
) -> Work:
    """Onto ``qaccum``, with conversion of the result."""
    added = (bias is not None) + (qaccum is not None) + QUANTIZE
    return convolved(qx, qw, out, groups, dilation, added=added)


@formula("onednn.linear_dynamic_fp16", "onednn.linear_relu_dynamic_fp16")
def linear_fp16(x: Tensor, w: Tensor, out: Tensor, bias: Tensor | None = None) -> Work:
    """(…, c_in) → (…, c_out)."""
    return applied(x, w, out, added=bias is not None)


@formula("aten._weight_int8pack_mm")
def int8_weight(self: Tensor, mat2: Tensor, out: Tensor) -> Work:
    """(m, k) × (n, k)ᵀ of 8 bits, with a scale for each of the n columns."""
    return applied(self, mat2, out, added=1)


@formula(
    "aten._weight_int4pack_mm",
    "aten._weight_int4pack_mm_for_cpu",
    "aten._weight_int4pack_mm_with_scales_and_zeros",
    "aten._dyn_quant_matmul_4bit",
    "aten._mixed_dtypes_linear",
    "quantized.int4mm_packed_weight_cpu",
)
def int4_weight(ins: tuple[Tensor, ...], out: Tensor) -> Work:
    """(…, k) × (k, n) of fewer bits, in whatever order and packing; each weight is converted back once."""
    work = applied(ins[0], ins[1], out, added=0)
    return replace(work, other_ops=DEQUANTIZE * ins[0].shape[-1] * out.shape[-1])


@formula("quantized.matmul")
def matmul(qa: Tensor, qb: Tensor, out: Tensor) -> Work:
    """(…, m, k) × (…, k, n)."""
    return replace(product(qa, qb), other_ops=QUANTIZE * out.numel)


# Scalar operations an element between conversions.
BETWEEN = {
    0: "dropout",
    1: "add mul add_scalar mul_scalar relu6 threshold",
    2: "add_relu mul_relu add_scalar_relu mul_scalar_relu clamp leaky_relu prelu",
    3: "elu",
    4: "sigmoid celu",
    5: "hardswish",
}


def _register(kind: str, scalar_operations: int, *names: str) -> None:
    @formula(*names)
    def converted(ins: tuple[Tensor, ...], out: Tensor) -> Work:
        going_in = DEQUANTIZE * sum(tensor.numel for tensor in ins if tensor.itemsize == 1)
        return Work(kind, other_ops=going_in + (scalar_operations + QUANTIZE) * out.numel)


for _count, _names in BETWEEN.items():
    _register("elementwise", _count, *(f"quantized.{name}" for name in _names.split()))
_register("elementwise", 1, "onednn.qadd", "onednn.qmul", "_quantized.add")
_register("elementwise", 2, "onednn.qadd_relu")
_register("data-movement", 0, "quantized.cat")
_register("data-movement", 1, "quantized.cat_relu")
_register("norm", 5, "quantized.softmax")
_register("norm", 7, "quantized.layer_norm", "quantized.group_norm", "quantized.instance_norm")

_BATCH_NORMS = (f"batch_norm{n}{after}" for n in ("", "1d", "2d", "3d") for after in ("", "_relu"))


@formula(*(f"quantized.{name}" for name in _BATCH_NORMS), "onednn.qbatch_norm2d", "aten.quantized_batch_norm")
def batch_norm(out: Tensor) -> Work:
    """Difference, scale and two for the affine part, between conversions."""
    return Work("norm", other_ops=(DEQUANTIZE + 4 + QUANTIZE) * out.numel)


@formula(*(f"quantized.embedding{bag}_{bits}" for bag in ("", "_bag") for bits in ("byte", "4bit")))
def embedding(weight: Packed, indices: Tensor, out: Tensor) -> Work | None:
    """Reads and converts the rows that it touches; a bag adds them up."""
    table = weight[0] if weight else None
    if table is None:
        return None
    touched = indices.numel * table.shape[-1]
    added = touched if touched != out.numel else 0
    reads = {"weight": min(touched, table.elements)}
    return Work("data-movement", other_ops=DEQUANTIZE * touched + added, reads=reads)


_TO = """
    quantize_per_tensor quantize_per_tensor_dynamic quantize_per_channel
"""
_DECOMPOSED = ("per_tensor", "per_channel", "per_token", "per_channel_group")


@formula(*names_of(_TO), *(f"quantized_decomposed.quantize_{grain}" for grain in _DECOMPOSED))
def quantize(out: Tensor) -> Work:
    """Quotient, rounding, offset, two limits."""
    return Work("elementwise", other_ops=QUANTIZE * out.numel)


@formula("aten.dequantize", *(f"quantized_decomposed.dequantize_{grain}" for grain in _DECOMPOSED))
def dequantize(out: Tensor) -> Work:
    """Difference and product."""
    return Work("elementwise", other_ops=DEQUANTIZE * out.numel)


@formula(
    "aten.fake_quantize_per_tensor_affine_cachemask",
    "aten.fake_quantize_per_channel_affine_cachemask",
    "aten._fake_quantize_per_tensor_affine_cachemask_tensor_qparams",
    "aten._fake_quantize_learnable_per_tensor_affine",
    "aten._fake_quantize_learnable_per_channel_affine",
    "aten._fused_moving_avg_obs_fq_helper",
    "quantized_decomposed.fake_quant_per_channel",
)
def fake_quantize(out: Tensor) -> Work:
    """To integers and back."""
    return Work("elementwise", other_ops=(QUANTIZE + DEQUANTIZE) * out.numel)


_CHOOSE = "choose_qparams choose_qparams_symmetric choose_qparams_per_token choose_qparams_per_token_asymmetric"


@formula(*(f"quantized_decomposed.{name}" for name in (*_CHOOSE.split(), "_choose_qparams_per_token_asymmetric_impl")))
def choose_scale(input: Tensor) -> Work:
    """The smallest and the largest element."""
    return Work("reduction", other_ops=2 * input.numel)


@formula("aten.int_repr", "aten.q_per_channel_scales", "aten.q_per_channel_zero_points")
@formula("aten._make_per_tensor_quantized_tensor", "aten._make_per_channel_quantized_tensor")
@formula("quantized_decomposed.convert_element_type")
def relabelled(out: Tensor) -> Work:
    """Copies integers under another name."""
    del out
    return Work("data-movement")

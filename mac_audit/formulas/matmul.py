"""Matrix products. A linear layer arrives as one of these, with its weight as a parameter or a view of one."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from mac_audit.cost import Contraction, Work, formula
from mac_audit.network import Tensor


def product(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Work:
    """(…, m, k) × (…, k, n): m·n·k for each of the batch. Either side may be the weight.

    A weight that is expanded over the batch is one layer, applied at batch · m positions.
    """
    *batch, m, k = left.shape
    n = right.shape[-1]
    groups = prod(batch) or 1
    work = prod(batch) * m * n * k
    added = prod(batch) * m * n if bias is not None else 0
    weight = left if left.is_weight else right
    if left.is_weight and not right.is_weight:
        m, n = n, m
    if weight.is_weight and weight.elements * groups == weight.numel:
        m, groups = m * groups, 1
    shape = Contraction(
        c_in=k * groups,
        c_out=n * groups,
        positions_in=m,
        positions_out=m,
        groups=groups,
        weighted=weight.is_weight,
    )
    return Work("matmul", work, other_ops=added, contraction=shape)


def biased(bias: Tensor, left: Tensor, right: Tensor, name: str, beta: float) -> Work:
    """A product on top of ``bias``, the argument ``name``; with ``beta`` 0 it is not looked at."""
    work = product(left, right, bias if beta else None)
    return work if beta else replace(work, reads={name: 0})


@formula("aten.mm", "aten.bmm")
def mm(self: Tensor, mat2: Tensor, bias: Tensor | None = None) -> Work:
    """(m, k) × (k, n), or a batch of them; ``bias`` is there after a batch norm was folded in."""
    return product(self, mat2, bias)


@formula("aten.addmm")
def addmm(self: Tensor, mat1: Tensor, mat2: Tensor, beta: float) -> Work:
    """beta · self + mat1 × mat2."""
    return biased(self, mat1, mat2, "self", beta)


@formula("aten._addmm_activation")
def addmm_activation(self: Tensor, mat1: Tensor, mat2: Tensor, out: Tensor, beta: float, use_gelu: bool) -> Work:
    """``addmm`` with a ReLU or a GELU in the same kernel."""
    work = biased(self, mat1, mat2, "self", beta)
    return replace(work, other_ops=work.other_ops + out.numel * (5 if use_gelu else 1))


@formula("aten.baddbmm", "aten.addbmm")
def baddbmm(self: Tensor, batch1: Tensor, batch2: Tensor, beta: float) -> Work:
    """beta · self + batch1 × batch2."""
    return biased(self, batch1, batch2, "self", beta)


@formula("aten.mv")
def mv(self: Tensor, vec: Tensor) -> Work:
    """(m, k) × (k)."""
    m, k = self.shape
    return Work("matmul", m * k, contraction=Contraction(k, m, 1, 1, weighted=self.is_weight or vec.is_weight))


@formula("aten.addmv")
def addmv(mat: Tensor, vec: Tensor) -> Work:
    """self + mat × vec."""
    return replace(mv(mat, vec), other_ops=mat.shape[0])


@formula("aten.dot", "aten.vdot")
def dot(self: Tensor) -> Work:
    """(k) · (k)."""
    return Work("matmul", self.numel)


@formula("aten.addr")
def addr(vec1: Tensor, vec2: Tensor) -> Work:
    """self + vec1 ⊗ vec2."""
    return Work("matmul", vec1.numel * vec2.numel, other_ops=vec1.numel * vec2.numel)


def applied(input: Tensor, weight: Tensor, out: Tensor, added: int) -> Work:
    """A linear layer (…, c_in) → (…, c_out), however its weight lies in memory.

    ``added`` are scalar operations on each element of the result.
    """
    c_in, c_out = input.shape[-1], out.shape[-1]
    shape = Contraction(c_in, c_out, input.numel // c_in, out.numel // c_out, weighted=weight.is_weight)
    return Work("matmul", shape.madds, other_ops=added * out.numel, contraction=shape)


@formula("aten.linear", "aten.mkldnn_linear")
def linear(ins: tuple[Tensor, ...], out: Tensor, bias: Tensor | None = None) -> Work:
    """(…, c_in) × (c_out, c_in)ᵀ, where a backend keeps it whole."""
    return applied(ins[0], ins[1], out, added=bias is not None)


@formula("mkldnn._linear_pointwise")
def linear_with_epilogue(
    X: Tensor, W: Tensor, out: Tensor, attr: str, other: Tensor | None = None, B: Tensor | None = None
) -> Work:
    """oneDNN with a bias, a sum or an activation in the same kernel, an activation counted as one operation."""
    return applied(X, W, out, added=(B is not None) + (other is not None or attr != "none"))


@formula("mkl._mkl_linear")
def mkl_linear(X: Tensor, MKL_W: Tensor, out: Tensor, B: Tensor | None = None) -> Work:
    """Reads the weight in the order that MKL gave it; the original is there for other batch sizes."""
    return replace(applied(X, MKL_W, out, added=B is not None), reads={"ORI_W": 0})


@formula("aten._int_mm", "aten._scaled_mm", "aten._scaled_mm_v2")
def low_precision(self: Tensor, mat2: Tensor, out: Tensor, bias: Tensor | None = None) -> Work:
    """(m, k) × (k, n) in 8 or 4 bits; a scale for each result, none for integers.

    Two 4-bit floats stand in one element of ``float4_e2m1fn_x2``.
    """
    work = product(self, mat2)
    scaled = self.dtype.startswith("float")
    pairs = 2 if self.dtype.endswith("_x2") else 1
    return replace(
        work,
        madds=pairs * work.madds,
        other_ops=out.numel * (scaled + (bias is not None)),
        contraction=work.contraction if pairs == 1 else None,
    )


@formula("aten._grouped_mm", "aten._scaled_grouped_mm", "aten._scaled_grouped_mm_v2")
def grouped_mm(self: Tensor, mat2: Tensor, out: Tensor, offs: Tensor | None = None, bias: Tensor | None = None) -> Work:
    """Products of different lengths in one kernel, as of a mixture of experts; ``offs`` says where each ends.

    (m, k) × (groups, k, n): each row meets one of the matrices, and no more matrices are read than there are rows.
    (groups, m, k) × (k, n): each column meets one. (m, k) × (k, n): the inner dimension is cut, into (groups, m, n).
    """
    madds = out.numel * self.shape[-1]
    reads = {}
    if len(self.shape) == len(mat2.shape) == 2:
        madds //= out.shape[0]
    elif offs is not None and len(mat2.shape) == 3:
        reads = {"mat2": min(mat2.elements, self.shape[0] * prod(mat2.shape[1:]))}
    scaled = self.itemsize == 1
    return Work("matmul", madds, other_ops=out.numel * (scaled + (bias is not None)), reads=reads)


@formula("inductor._mm_plus_mm")
def mm_plus_mm(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Work:
    """a × b + c × d."""
    return Work("matmul", product(a, b).madds + product(c, d).madds, other_ops=a.shape[0] * b.shape[1])


@formula("aten._trilinear")
def trilinear(
    i1: Tensor,
    i2: Tensor,
    i3: Tensor,
    expand1: tuple[int, ...],
    expand2: tuple[int, ...],
    expand3: tuple[int, ...],
    sumdim: tuple[int, ...],
) -> Work:
    """Σ i1·i2·i3, each expanded to common dimensions (``nn.Bilinear``), as ATen does it: first i1 with i2.

    Dimensions that are summed and that i3 lacks are summed there, the others in the product with i3. Where nothing is
    summed, a product is element-wise.
    """
    sizes = _expanded(((i1, expand1), (i2, expand2), (i3, expand3)))
    first = {d: size for d, size in sizes.items() if not (d in expand1 and d in expand2)}
    summed = set(sumdim) & set(expand3)
    second = {d: size for d, size in sizes.items() if d not in summed}
    products = ((prod(first.values()), bool(summed)), (prod(second.values()), bool(set(sumdim) - summed)))
    return Work(
        "matmul",
        sum(size for size, contracts in products if contracts),
        other_ops=sum(size for size, contracts in products if not contracts),
    )


def _expanded(operands: tuple[tuple[Tensor, tuple[int, ...]], ...]) -> dict[int, int]:
    """The common dimensions; an operand has its own in order, and lacks those in its list."""
    sizes: dict[int, int] = {}
    for tensor, lacking in operands:
        present = [d for d in range(len(tensor.shape) + len(lacking)) if d not in lacking]
        sizes.update(zip(present, tensor.shape, strict=True))
    return dict(sorted(sizes.items()))

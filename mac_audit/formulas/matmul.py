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


@formula("aten.addmm", "aten._addmm_activation")
def addmm(self: Tensor, mat1: Tensor, mat2: Tensor, beta: float = 1) -> Work:
    """beta · self + mat1 × mat2."""
    return biased(self, mat1, mat2, "self", beta)


@formula("aten.baddbmm", "aten.addbmm")
def baddbmm(self: Tensor, batch1: Tensor, batch2: Tensor, beta: float = 1) -> Work:
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
    work = mv(mat, vec)
    return Work(work.kind, work.madds, other_ops=mat.shape[0], contraction=work.contraction)


@formula("aten.dot", "aten.vdot")
def dot(self: Tensor) -> Work:
    """(k) · (k)."""
    return Work("matmul", self.numel)


@formula("aten.addr")
def addr(vec1: Tensor, vec2: Tensor) -> Work:
    """self + vec1 ⊗ vec2."""
    return Work("matmul", vec1.numel * vec2.numel, other_ops=vec1.numel * vec2.numel)


@formula("aten.linear")
def linear(input: Tensor, weight: Tensor, out: Tensor, bias: Tensor | None = None) -> Work:
    """(…, c_in) × (c_out, c_in)ᵀ, where a backend keeps it whole."""
    c_out, c_in = weight.shape
    shape = Contraction(c_in, c_out, input.numel // c_in, out.numel // c_out, weighted=weight.is_weight)
    return Work("matmul", shape.madds, other_ops=out.numel if bias is not None else 0, contraction=shape)

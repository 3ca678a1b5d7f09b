"""Linear algebra: factorisations, inverses, solutions.

They are no single contractions but algorithms, counted by the scalar operations of the textbook ones that LAPACK runs,
in ``other_ops`` and in their leading terms. Sources: Golub and Van Loan, Matrix Computations, 4th edition: LU §3.2,
Cholesky §4.2, QR §5.2, symmetric eigenvalues §8.3, eigenvalues §7.5, singular values §8.6 (figure 8.6.1, R-SVD); LU,
QR, reflections and the inverse of matrices of any shape: LAPACK Working Note 41, appendix C. How often an iteration
runs depends on the values; it is taken as those books take it.
"""

from __future__ import annotations

from math import prod

from mac_audit.cost import Work, formula
from mac_audit.network import Tensor


def _each(matrix: Tensor, operations: float) -> Work:
    """``operations`` for each matrix of the batch."""
    return Work("other", other_ops=round(prod(matrix.shape[:-2]) * operations))


def _reflections(m: int, n: int, k: int) -> float:
    """``k`` Householder reflections of (m, n), or the first ``n`` columns of their product; 2mn² - 2n³/3 for k = n."""
    return 4 * m * n * k - 2 * (m + n) * k**2 + 4 * k**3 / 3


@formula("aten.linalg_cholesky_ex", "aten.cholesky")
def cholesky(ins: tuple[Tensor, ...]) -> Work:
    """n³/3."""
    return _each(ins[0], ins[0].shape[-1] ** 3 / 3)


@formula("aten.linalg_lu_factor_ex", "aten.linalg_lu", "aten._linalg_det", "aten._linalg_slogdet")
def lu(A: Tensor) -> Work:
    """2n³/3; m·n·k - (m + n)·k²/2 + k³/3 products and as many sums in general. A determinant is read off."""
    m, n = A.shape[-2:]
    k = min(m, n)
    return _each(A, 2 * (m * n * k - (m + n) * k**2 / 2 + k**3 / 3))


@formula("aten.linalg_ldl_factor_ex")
def ldl(self: Tensor) -> Work:
    """n³/3."""
    return _each(self, self.shape[-1] ** 3 / 3)


@formula("aten.linalg_inv_ex")
def inverse(A: Tensor) -> Work:
    """2n³, by LU."""
    return _each(A, 2 * A.shape[-1] ** 3)


@formula("aten.cholesky_inverse")
def cholesky_inverse(self: Tensor) -> Work:
    """2n³/3 from the factor."""
    return _each(self, 2 * self.shape[-1] ** 3 / 3)


@formula("aten._linalg_solve_ex")
def solve(A: Tensor, out: Tensor) -> Work:
    """2n³/3 for LU, and 2n² for each right side."""
    n = A.shape[-1]
    return Work("other", other_ops=round(prod(A.shape[:-2]) * 2 * n**3 / 3) + 2 * n * out.numel)


@formula("aten.linalg_lu_solve", "aten.linalg_ldl_solve")
def solve_factored(ins: tuple[Tensor, ...], out: Tensor) -> Work:
    """Two triangular systems: 2n² for each right side."""
    return Work("other", other_ops=2 * ins[0].shape[-1] * out.numel)


@formula("aten.cholesky_solve", "aten._cholesky_solve_helper")
def cholesky_solve(self: Tensor, out: Tensor) -> Work:
    """Two triangular systems: 2n² for each right side."""
    return Work("other", other_ops=2 * self.shape[-2] * out.numel)


@formula("aten.linalg_solve_triangular")
def solve_triangular(self: Tensor, out: Tensor) -> Work:
    """n² for each right side."""
    return Work("other", other_ops=self.shape[-1] * out.numel)


@formula("aten.triangular_solve")
def triangular_solve(A: Tensor, out: Tensor) -> Work:
    """n² for each right side."""
    return Work("other", other_ops=A.shape[-1] * out.numel)


@formula("aten.geqrf")
def geqrf(self: Tensor) -> Work:
    """The reflections of a QR decomposition: 2mn² - 2n³/3 for a tall matrix."""
    m, n = self.shape[-2:]
    return _each(self, _reflections(m, n, min(m, n)))


@formula("aten.linalg_qr")
def qr(A: Tensor, mode: str) -> Work:
    """The reflections, and Q from them unless ``mode`` is "r"."""
    m, n = A.shape[-2:]
    k = min(m, n)
    columns = {"r": 0, "reduced": k, "complete": m}[mode]
    return _each(A, _reflections(m, n, k) + (_reflections(m, columns, k) if columns else 0))


@formula("aten.linalg_householder_product")
def householder_product(input: Tensor, tau: Tensor) -> Work:
    """Q from its reflections."""
    m, n = input.shape[-2:]
    return _each(input, _reflections(m, n, tau.shape[-1]))


@formula("aten.ormqr")
def ormqr(input2: Tensor, input3: Tensor, left: bool) -> Work:
    """k reflections of m elements, applied to n vectors: 4mnk - 2nk²."""
    m, n = input3.shape[-2:] if left else input3.shape[:-3:-1]
    k = input2.shape[-1]
    return _each(input3, 4 * m * n * k - 2 * n * k**2)


@formula("aten._linalg_svd")
def svd(A: Tensor, full_matrices: bool, compute_uv: bool) -> Work:
    """R-SVD of (m, n), m the larger: 2mn² + 2n³ values alone, 6mn² + 20n³ reduced, 4m²n + 22n³ with all of U and V."""
    m, n = sorted(A.shape[-2:], reverse=True)
    if not compute_uv:
        return _each(A, 2 * m * n**2 + 2 * n**3)
    return _each(A, 4 * m**2 * n + 22 * n**3 if full_matrices else 6 * m * n**2 + 20 * n**3)


@formula("aten.linalg_pinv")
def pseudo_inverse(self: Tensor) -> Work:
    """A reduced SVD, V scaled, and V · Uᵀ."""
    m, n = sorted(self.shape[-2:], reverse=True)
    return _each(self, 6 * m * n**2 + 20 * n**3 + n**2 + 2 * m * n**2)


@formula("aten._linalg_eigh")
def symmetric_eigenvalues(A: Tensor, compute_v: bool) -> Work:
    """9n³ with vectors, 4n³/3 without."""
    return _each(A, (9 if compute_v else 4 / 3) * A.shape[-1] ** 3)


@formula("aten.linalg_eig")
def eigenvectors(self: Tensor) -> Work:
    """25n³."""
    return _each(self, 25 * self.shape[-1] ** 3)


@formula("aten._linalg_eigvals")
def eigenvalues(self: Tensor) -> Work:
    """10n³."""
    return _each(self, 10 * self.shape[-1] ** 3)


@formula("aten.linalg_lstsq")
def least_squares(ins: tuple[Tensor, ...]) -> Work:
    """QR of (m, n), its reflections applied to each right side, and a triangular system: the driver ``gels``."""
    matrix, right = ins[:2]
    m, n = sorted(matrix.shape[-2:], reverse=True)
    sides = right.numel // prod(matrix.shape[:-1])
    return _each(matrix, _reflections(m, n, n) + sides * (4 * m * n - 2 * n**2 + n**2))


@formula("aten.linalg_cross")
def cross(out: Tensor) -> Work:
    """Two products and a difference an element."""
    return Work("elementwise", other_ops=3 * out.numel)

"""Linear algebra in full: the polynomials of Golub and Van Loan and of LAPACK Working Note 41, at sizes of primes.

That these are the leading terms of the algorithms is for ``test_algorithms.py``; here every coefficient is held.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.costing import by_hand, meta

aten = torch.ops.aten
BATCH, n = (2, 4, 3), 5
B = 2 * 4 * 3  # matrices
square, factor, right = meta(*BATCH, n, n), meta(*BATCH, n, n), meta(*BATCH, n, 3)
pivots = meta(*BATCH, n, dtype=torch.int32)
tall, wide = meta(*BATCH, 7, 5), meta(*BATCH, 5, 7)


def reflections(m: int, n: int, k: int) -> float:
    """xORGQR of Working Note 41: 4mnk - 2(m + n)k² + 4k³/3."""
    return 4 * m * n * k - 2 * (m + n) * k**2 + 4 * k**3 / 3


def factorised(m: int, n: int) -> float:
    """xGEQRF to leading order: 2mn² - 2n³/3 for m ≥ n, 2nm² - 2m³/3 else."""
    m, n = max(m, n), min(m, n)
    return 2 * m * n**2 - 2 * n**3 / 3


# (overload, arguments, shapes of results, scalar operations of all)
ROWS: list[tuple[Any, tuple[Any, ...], list[tuple[int, ...]], float]] = [
    (aten.linalg_cholesky_ex.default, (square,), [(*BATCH, n, n), BATCH], B * n**3 / 3),
    (aten.cholesky.default, (square,), [(*BATCH, n, n)], B * n**3 / 3),
    (aten.cholesky_inverse.default, (square,), [(*BATCH, n, n)], B * 2 * n**3 / 3),
    (aten.linalg_ldl_factor_ex.default, (square,), [(*BATCH, n, n), (*BATCH, n), BATCH], B * n**3 / 3),
    (aten.linalg_lu_factor_ex.default, (square,), [(*BATCH, n, n), (*BATCH, n), BATCH], B * 2 * n**3 / 3),
    # xGETRF: mn² - n³/3 for m ≥ n, nm² - m³/3 else
    (aten.linalg_lu_factor_ex.default, (tall,), [(*BATCH, 7, 5), (*BATCH, 5), BATCH], B * (7 * 5**2 - 5**3 / 3)),
    (aten.linalg_lu.default, (wide,), [(*BATCH, 5, 5), (*BATCH, 5, 5), (*BATCH, 5, 7)], B * (7 * 5**2 - 5**3 / 3)),
    (aten._linalg_slogdet.default, (square,), [BATCH, BATCH, (*BATCH, n, n), (*BATCH, n)], B * 2 * n**3 / 3),
    (aten._linalg_det.default, (meta(n, n),), [(), (n, n), (n,)], 2 * n**3 / 3),
    (aten.linalg_inv_ex.default, (square,), [(*BATCH, n, n), BATCH], B * 2 * n**3),
    # LU, and two triangular systems of n² for each of three right sides
    (aten._linalg_solve_ex.default, (square, right), [(*BATCH, n, 3)], B * (2 * n**3 / 3 + 3 * 2 * n**2)),
    (aten.linalg_lu_solve.default, (factor, pivots, right), [(*BATCH, n, 3)], B * 3 * 2 * n**2),
    (aten.linalg_ldl_solve.default, (factor, pivots, right), [(*BATCH, n, 3)], B * 3 * 2 * n**2),
    (aten.cholesky_solve.default, (right, factor), [(*BATCH, n, 3)], B * 3 * 2 * n**2),
    (aten._cholesky_solve_helper.default, (right, factor, False), [(*BATCH, n, 3)], B * 3 * 2 * n**2),
    (aten.linalg_solve_triangular.default, (factor, right), [(*BATCH, n, 3)], B * 3 * n**2),
    (aten.triangular_solve.default, (right, factor), [(*BATCH, n, 3), (*BATCH, n, n)], B * 3 * n**2),
    (aten.geqrf.default, (tall,), [(*BATCH, 7, 5), (*BATCH, 5)], B * factorised(7, 5)),
    (aten.geqrf.default, (wide,), [(*BATCH, 5, 7), (*BATCH, 5)], B * factorised(5, 7)),
    (aten.linalg_qr.default, (tall, "r"), [(0,), (*BATCH, 5, 5)], B * factorised(7, 5)),
    (aten.linalg_qr.default, (tall, "reduced"), [(*BATCH, 7, 5), (*BATCH, 5, 5)], B * 2 * factorised(7, 5)),
    (
        *(aten.linalg_qr.default, (tall, "complete"), [(*BATCH, 7, 7), (*BATCH, 7, 5)]),
        B * (factorised(7, 5) + reflections(7, 7, 5)),
    ),
    (
        *(aten.linalg_qr.default, (wide, "complete"), [(*BATCH, 5, 5), (*BATCH, 5, 7)]),
        B * (factorised(5, 7) + reflections(5, 5, 5)),
    ),
    (aten.linalg_householder_product.default, (tall, meta(*BATCH, 3)), [(*BATCH, 7, 5)], B * reflections(7, 5, 3)),
    # three reflections of seven elements each, 7 + 6 + 5 of them not zero, 4 operations an element: 4mk - 2k² a vector
    (
        aten.ormqr.default,
        (meta(*BATCH, 7, 3), meta(*BATCH, 3), meta(*BATCH, 7, 11)),
        [(*BATCH, 7, 11)],
        B * 11 * (4 * 7 * 3 - 2 * 3**2),
    ),
    (
        *(aten.ormqr.default, (meta(*BATCH, 7, 3), meta(*BATCH, 3), meta(*BATCH, 11, 7), False), [(*BATCH, 11, 7)]),
        B * 11 * (4 * 7 * 3 - 2 * 3**2),
    ),
    # figure 8.6.1: Σ; U1, Σ, V; U, Σ, V
    (aten._linalg_svd.default, (tall, False, False), [(0,), (*BATCH, 5), (0,)], B * (2 * 7 * 5**2 + 2 * 5**3)),
    (
        *(aten._linalg_svd.default, (tall, False, True), [(*BATCH, 7, 5), (*BATCH, 5), (*BATCH, 5, 5)]),
        B * (6 * 7 * 5**2 + 20 * 5**3),
    ),
    (
        aten._linalg_svd.default,
        (wide, True, True),
        [(*BATCH, 5, 5), (*BATCH, 5), (*BATCH, 7, 7)],
        B * (4 * 7**2 * 5 + 22 * 5**3),
    ),
    # the reduced SVD, five columns of five scaled, (5, 5) × (5, 7) with a product and a sum each
    (
        *(aten.linalg_pinv.atol_rtol_float, (tall,), [(*BATCH, 5, 7)]),
        B * (6 * 7 * 5**2 + 20 * 5**3 + 5 * 5 + 2 * 5 * 5 * 7),
    ),
    (
        *(aten.linalg_pinv.atol_rtol_float, (wide,), [(*BATCH, 7, 5)]),
        B * (6 * 7 * 5**2 + 20 * 5**3 + 5 * 5 + 2 * 5 * 5 * 7),
    ),
    (aten._linalg_eigh.default, (square, "L", True), [(*BATCH, n), (*BATCH, n, n)], B * 9 * n**3),
    (aten._linalg_eigh.default, (square, "L", False), [(*BATCH, n), (0,)], B * 4 * n**3 / 3),
    (aten.linalg_eig.default, (square,), [(*BATCH, n), (*BATCH, n, n)], B * 25 * n**3),
    (aten._linalg_eigvals.default, (square,), [(*BATCH, n)], B * 10 * n**3),
    # QR; for each of three right sides its reflections, 4mn - 2n², and a triangular system, n²
    (
        *(aten.linalg_lstsq.default, (tall, meta(*BATCH, 7, 3)), [(*BATCH, 5, 3), (0,), (0,), (0,)]),
        B * (factorised(7, 5) + 3 * (4 * 7 * 5 - 2 * 5**2 + 5**2)),
    ),
    (
        *(aten.linalg_lstsq.default, (wide, meta(*BATCH, 5, 3)), [(*BATCH, 7, 3), (0,), (0,), (0,)]),
        B * (factorised(5, 7) + 3 * (4 * 7 * 5 - 2 * 5**2 + 5**2)),
    ),
]


@pytest.mark.parametrize(
    ("overload", "arguments", "results", "operations"), ROWS, ids=[str(overload) for overload, *_ in ROWS]
)
def test_linear_algebra(
    overload: Any, arguments: tuple[Any, ...], results: list[tuple[int, ...]], operations: float
) -> None:
    found = by_hand(overload, *arguments, outs=results)
    assert (found.coverage, found.kind, found.cost.madds) == ("exact", "other", 0)
    assert found.cost.other_ops == round(operations)

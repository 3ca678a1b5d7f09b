"""Fourier transforms, linear algebra, distances: against algorithms written out and counted step by step."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.costing import access, by_hand, meta, only, profile, working

# --- Fourier transforms --------------------------------------------------------------------------------------------


def radix_2(n: int) -> int:
    """Two halves, then n/2 butterflies: a complex product (4 products, 2 sums) and two complex sums (2 each)."""
    return 2 * radix_2(n // 2) + n // 2 * (6 + 4) if n > 1 else 0


@pytest.mark.parametrize("n", [2, 8, 64, 1024])
def test_fourier_transform_is_counted_as_radix_2(n: int) -> None:
    (found,) = working(torch.fft.fft, meta(3, n, dtype=torch.complex64))
    assert found.cost.other_ops == 3 * radix_2(n)
    assert (found.kind, found.cost.madds) == ("other", 0)
    assert access(found) == (3 * n, 0, 3 * n)
    assert found.cost.mac_bytes == 2 * 8 * 3 * n


@pytest.mark.parametrize(
    ("function", "shape", "other_ops", "read", "written"),
    [
        (torch.fft.rfft, (3, 64), 3 * radix_2(64) // 2, 3 * 64, 3 * 33),
        (torch.fft.rfft2, (3, 16, 16), 3 * 16 * 2 * radix_2(16) // 2, 3 * 256, 3 * 16 * 9),  # rows and columns
        (torch.fft.irfft, (3, 33), 3 * radix_2(64) // 2, 3 * 33, 3 * 64),
        (torch.fft.fftn, (4, 4, 4), 3 * 16 * radix_2(4), 64, 64),
    ],
    ids=["rfft", "rfft2", "irfft", "fftn"],
)
def test_fourier_transform_with_a_real_side(
    function: Callable[..., Tensor], shape: tuple[int, ...], other_ops: int, read: int, written: int
) -> None:
    """Half of the complex one; in several dimensions one after the other."""
    dtype = torch.float32 if function in (torch.fft.rfft, torch.fft.rfft2) else torch.complex64
    found = next(one for one in working(function, meta(*shape, dtype=dtype)) if "_fft" in one.operator.target)
    assert found.cost.other_ops == other_ops
    assert access(found) == (read, 0, written)


def test_spectrogram_is_a_transform_of_each_window() -> None:
    """1000 samples padded to 1064 make 63 windows of 64, 16 apart; they overlap, and are read once."""
    found = only(working(lambda x: torch.stft(x, 64, return_complex=True), meta(1, 1000)), "_fft_r2c")
    assert found.cost.other_ops == 63 * radix_2(64) // 2
    assert found.cost.reads_activation == 64 + 62 * 16


# --- linear algebra ------------------------------------------------------------------------------------------------


def cholesky(n: int) -> int:
    """Column by column: a root, a division each, a product and a difference in what is left of the lower triangle."""
    return sum(1 + (n - k - 1) + (n - k - 1) * (n - k) for k in range(n))


def lu(n: int) -> int:
    """Column by column: a division each, a product and a difference in what is left of the square."""
    return sum((n - k - 1) + 2 * (n - k - 1) ** 2 for k in range(n))


def triangular(n: int) -> int:
    """Row by row: a product and a difference with what is solved, a division."""
    return sum(2 * k + 1 for k in range(n))


def householder(m: int, n: int) -> int:
    """Column by column: its norm, and each column to the right minus a multiple of it (4 operations an element)."""
    return sum(2 * (m - k) + 4 * (m - k) * (n - k - 1) for k in range(min(m, n)))


N = 96
square = meta(5, N, N)
tall = meta(5, 160, N)
side = meta(5, N, 3)
ALGORITHMS: dict[str, tuple[Callable[..., object], list[Tensor], str, float]] = {
    "cholesky": (torch.linalg.cholesky_ex, [square], "linalg_cholesky_ex", 5 * cholesky(N)),
    "lu": (torch.linalg.lu_factor_ex, [square], "linalg_lu_factor_ex", 5 * lu(N)),
    "det": (torch.linalg.det, [square], "_linalg_det", 5 * lu(N)),
    "inv": (torch.linalg.inv_ex, [square], "linalg_inv_ex", 5 * (lu(N) + N**3 * 4 / 3)),  # U⁻¹ n³/3, times L⁻¹ n³
    "solve": (torch.linalg.solve, [square, side], "_linalg_solve_ex", 5 * (lu(N) + 3 * 2 * triangular(N))),
    "triangular": (
        *(lambda a, b: torch.linalg.solve_triangular(a, b, upper=True), [square, side]),
        *("linalg_solve_triangular", 5 * 3 * triangular(N)),
    ),
    "cholesky_solve": (
        *(lambda a, b: torch.cholesky_solve(b, a), [square, side]),
        *("cholesky_solve", 5 * 3 * 2 * triangular(N)),
    ),
    "geqrf": (torch.geqrf, [tall], "geqrf", 5 * householder(160, N)),
    "qr": (torch.linalg.qr, [tall], "linalg_qr", 5 * 2 * householder(160, N)),  # Q costs what R does
    "qr of a square": (torch.linalg.qr, [square], "linalg_qr", 5 * 2 * householder(N, N)),
    "lstsq": (  # QR, each of k reflections on what is left of each right side, a triangular system
        *(torch.linalg.lstsq, [tall, meta(5, 160, 3)], "linalg_lstsq"),
        5 * (householder(160, N) + 3 * (sum(4 * (160 - k) for k in range(N)) + triangular(N))),
    ),
    "r": (lambda a: torch.linalg.qr(a, mode="r"), [tall], "linalg_qr", 5 * householder(160, N)),
}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_linear_algebra_has_the_leading_terms_of_its_algorithm(name: str) -> None:
    function, inputs, operator, steps = ALGORITHMS[name]
    found = only(working(function, *inputs), operator)
    assert found.cost.other_ops == pytest.approx(steps, rel=0.03)
    assert found.cost.madds == 0


@pytest.mark.parametrize(
    ("function", "operations"),
    [  # of a matrix (8, 6), of which there are three; the books' counts
        (lambda a: torch.linalg.svd(a, full_matrices=False), 6 * 8 * 6**2 + 20 * 6**3),
        (torch.linalg.svd, 4 * 8**2 * 6 + 22 * 6**3),
        (lambda a: torch.linalg.svd(a.mT, full_matrices=False), 6 * 8 * 6**2 + 20 * 6**3),
        (lambda a: torch.linalg.eigh(a[:, :6]), 9 * 6**3),
        (lambda a: torch.linalg.eig(a[:, :6]), 25 * 6**3),
    ],
    ids=["svd", "svd-full", "svd-wide", "eigh", "eig"],
)
def test_iterations_are_counted_as_the_books_do(function: Callable[..., object], operations: int) -> None:
    assert profile(function, meta(3, 8, 6)).total.other_ops == 3 * operations


def test_values_alone_cost_less() -> None:
    """Called by hand: torch asks for the vectors too where tensors are fake."""
    aten, tall, square = torch.ops.aten, meta(3, 8, 6), meta(3, 6, 6)
    svd = by_hand(aten._linalg_svd.default, tall, False, False, outs=[(0,), (3, 6), (0,)])
    eigh = by_hand(aten._linalg_eigh.default, square, "L", False, outs=[(3, 6), (0,)])
    eigvals = by_hand(aten._linalg_eigvals.default, square, outs=[(3, 6)])
    assert svd.cost.other_ops == 3 * (2 * 8 * 6**2 + 2 * 6**3)
    assert eigh.cost.other_ops == 3 * (4 * 6**3 // 3)
    assert eigvals.cost.other_ops == 3 * 10 * 6**3


def test_a_draw_searches_the_running_sum() -> None:
    (found,) = working(lambda p: torch.multinomial(p, 4), meta(2, 16))
    assert found.cost.other_ops == 2 * 16 + 2 * 4 + 2 * 4 * 4  # sums; draws; log2(16) steps for each


def test_how_often_an_exponential_squares_is_unknown() -> None:
    found = profile(torch.linalg.matrix_exp, meta(6, 6))
    assert [one.operator.target for one in found.coverage["unknown"]] == ["aten.linalg_matrix_exp.default"]
    assert found.total.unknown == 1


# --- distances, sampling, sorting ----------------------------------------------------------------------------------


def test_distances() -> None:
    """Difference, square and sum for each of 7 elements of a pair, and a root."""
    (found,) = working(lambda x, y: torch.cdist(x, y, p=1.0), meta(2, 5, 7), meta(2, 6, 7))
    assert found.cost.other_ops == 2 * 5 * 6 * (3 * 7 + 1)
    assert access(found) == (2 * 5 * 7 + 2 * 6 * 7, 0, 2 * 5 * 6)
    (found,) = working(F.pdist, meta(5, 7))
    assert found.cost.other_ops == 10 * (3 * 7 + 1)  # 4 + 3 + 2 + 1 pairs


def test_many_euclidean_distances_are_a_product() -> None:
    """Beyond 25 rows torch multiplies (-2x, ‖x‖², 1) with (y, 1, ‖y‖²): 7 + 2 elements."""
    found = profile(torch.cdist, meta(30, 7), meta(40, 7))
    assert found.coverage["unknown"] == ()
    assert found.total.madds == 30 * 40 * 9


@pytest.mark.parametrize(("dim", "length"), [(0, 16), (1, 4), (-1, 4)])
def test_sorting_takes_n_log_n_along_its_dimension(dim: int, length: int) -> None:
    (found,) = working(lambda x: x.sort(dim)[0], meta(16, 4))
    assert found.cost.other_ops == 64 * {16: 4, 4: 2}[length]


def test_searching_takes_log_n_for_each() -> None:
    (found,) = working(torch.bucketize, meta(10), meta(256))
    assert found.cost.other_ops == 10 * 8
    (found,) = working(torch.searchsorted, meta(3, 64), meta(3, 5))
    assert found.cost.other_ops == 15 * 6


def test_windows_that_overlap_count_what_they_see() -> None:
    """Seven elements in three windows: 0–3, 2–5, 4–7, of three each."""
    (found,) = working(torch.nn.AdaptiveAvgPool2d((3, 1)), meta(1, 2, 7, 5))
    assert found.cost.other_ops == 2 * (3 * 3) * 5
    (found,) = working(torch.nn.AdaptiveMaxPool2d(2), meta(1, 2, 8, 8))
    assert found.cost.other_ops == 2 * 64


def test_sampling_in_three_dimensions_weighs_eight_neighbours() -> None:
    sample = lambda x, grid: F.grid_sample(x, grid, align_corners=False)  # noqa: E731
    found = only(working(sample, meta(1, 2, 9, 9, 9), meta(1, 3, 4, 5, 3)), "grid_sampler_3d")
    assert found.cost.other_ops == 2 * 8 * (2 * 60)
    assert access(found) == (8 * 2 * 60 + 60 * 3, 0, 2 * 60)  # 960 of 1458 elements at the most


def test_affine_grid_is_a_product_with_its_matrix() -> None:
    """Each of 2 · 5 · 7 positions (x, y, 1) times (2, 3)."""
    found = profile(lambda t: F.affine_grid(t, [2, 3, 5, 7], align_corners=False), meta(2, 2, 3))
    assert found.total.madds == 2 * 5 * 7 * 3 * 2


def test_antialiasing_widens_the_filter() -> None:
    """Half as large: 4 of 8 neighbours along a row in 8 rows, then 4 along a column in what is left."""
    shrink = lambda x: F.interpolate(x, scale_factor=0.5, mode="bilinear", antialias=True)  # noqa: E731
    (found,) = working(shrink, meta(1, 2, 8, 8))
    assert found.cost.other_ops == 2 * 2 * (8 * 4 * 4 + 4 * 4 * 4)


def test_larger_of_two_tensors_is_elementwise() -> None:
    (found,) = working(torch.max, meta(3, 4), meta(3, 4))
    assert (found.kind, found.cost.other_ops) == ("elementwise", 12)


@pytest.mark.parametrize(
    ("loss", "operations"),
    [(F.mse_loss, 3), (F.smooth_l1_loss, 4), (F.huber_loss, 4), (F.binary_cross_entropy, 7)],
)
def test_loss(loss: Callable[..., Tensor], operations: int) -> None:
    found = profile(loss, meta(3, 4), meta(3, 4))
    assert found.coverage["unknown"] == ()
    assert found.total.other_ops in range(12 * operations, 12 * (operations + 1) + 1)  # torch may add up apart

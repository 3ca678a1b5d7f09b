"""What one operator costs, against arithmetic written out by hand (multiply-adds also against torch's counter)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.costing import access, index, meta, only, profile, torch_madds, working

# --- convolution ---------------------------------------------------------------------------------------------------

# (layer, input, class, multiply-adds, elements of weight and bias, elements written)
CONVOLUTIONS = [
    (nn.Conv1d(4, 6, 3), (2, 4, 10), "conv", (2 * 6 * 8) * 4 * 3, 6 * 4 * 3 + 6, 2 * 6 * 8),
    (nn.Conv1d(4, 6, 3, bias=False), (2, 4, 10), "conv", (2 * 6 * 8) * 4 * 3, 6 * 4 * 3, 2 * 6 * 8),
    (nn.Conv2d(3, 8, 3, stride=2, padding=1), (1, 3, 9, 9), "conv", (8 * 5 * 5) * 3 * 9, 8 * 3 * 9 + 8, 8 * 5 * 5),
    (nn.Conv2d(8, 4, 1, bias=False), (3, 8, 5, 5), "pointwise-conv", (3 * 4 * 25) * 8, 8 * 4, 3 * 4 * 25),
    # two groups of 2 → 3 channels
    (nn.Conv2d(4, 6, (3, 1), groups=2), (1, 4, 5, 5), "grouped-conv", (6 * 3 * 5) * 2 * 3, 6 * 2 * 3 + 6, 6 * 3 * 5),
    (nn.Conv2d(4, 6, 1, groups=2), (1, 4, 5, 5), "grouped-conv", (6 * 25) * 2, 6 * 2 + 6, 6 * 25),
    (nn.Conv2d(4, 4, 3, groups=4, bias=False), (1, 4, 5, 5), "depthwise-conv", (4 * 9) * 9, 4 * 9, 4 * 9),
    (nn.Conv2d(4, 8, 3, groups=4), (1, 4, 5, 5), "depthwise-conv", (8 * 9) * 9, 8 * 9 + 8, 8 * 9),
    # a window of 3 spread over 5: 9 - 4 = 5 positions
    (nn.Conv2d(2, 3, 3, dilation=2), (1, 2, 9, 9), "conv", (3 * 25) * 2 * 9, 3 * 2 * 9 + 3, 3 * 25),
    (nn.Conv2d(2, 3, 3, padding="same"), (1, 2, 9, 9), "conv", (3 * 81) * 2 * 9, 3 * 2 * 9 + 3, 3 * 81),
    (nn.Conv3d(2, 4, 3, bias=False), (1, 2, 5, 5, 5), "conv", (4 * 27) * 2 * 27, 4 * 2 * 27, 4 * 27),
    (nn.Conv3d(4, 4, 3, groups=4), (1, 4, 3, 4, 5), "depthwise-conv", (4 * 6) * 27, 4 * 27 + 4, 4 * 6),
    # transposed: each of the input positions is spread; (10 - 1)·2 + 3 = 21
    (nn.ConvTranspose1d(4, 6, 3, stride=2), (2, 4, 10), "conv", (2 * 4 * 10) * 6 * 3, 4 * 6 * 3 + 6, 2 * 6 * 21),
    (
        *(nn.ConvTranspose2d(4, 6, 2, stride=2, groups=2, bias=False), (1, 4, 3, 3), "grouped-conv"),
        *((4 * 9) * 3 * 4, 4 * 3 * 4, 6 * 36),
    ),
    (
        *(nn.ConvTranspose2d(4, 4, 3, groups=4), (1, 4, 3, 3), "depthwise-conv"),
        *((4 * 9) * 1 * 9, 4 * 9 + 4, 4 * 25),
    ),
    (
        *(nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1, dilation=1), (1, 2, 4, 4), "conv"),
        *((2 * 16) * 3 * 9, 2 * 3 * 9 + 3, 3 * 64),
    ),
    (
        *(nn.ConvTranspose3d(2, 3, 2, stride=2), (1, 2, 2, 2, 2), "conv"),
        *((2 * 8) * 3 * 8, 2 * 3 * 8 + 3, 3 * 64),
    ),
]


@pytest.mark.parametrize(
    ("layer", "shape", "kind", "madds", "weight", "written"), CONVOLUTIONS, ids=[str(row[0]) for row in CONVOLUTIONS]
)
def test_convolution(
    layer: nn.Module, shape: tuple[int, ...], kind: str, madds: int, weight: int, written: int
) -> None:
    (found,) = working(layer, meta(*shape))
    assert found.kind == kind
    assert found.cost.madds == madds == torch_madds(layer, meta(*shape))
    assert access(found) == (torch.Size(shape).numel(), weight, written)
    assert found.cost.other_ops == (written if layer.bias is not None else 0)
    assert found.cost.mac_bytes == 4 * found.cost.mac_elements


def test_unbatched_convolution() -> None:
    (found,) = working(nn.Conv2d(2, 5, 3, bias=False), meta(2, 6, 6))
    assert found.cost.madds == (5 * 16) * 2 * 9
    assert access(found) == (2 * 36, 5 * 2 * 9, 5 * 16)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_convolution_against_torch(data: st.DataObject) -> None:
    draw = data.draw
    dimensions, transposed = draw(st.integers(1, 3)), draw(st.booleans())
    groups = draw(st.sampled_from([1, 2, 4]))
    c_in, c_out = groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 3))
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(dimensions))
    options = {"stride": draw(st.integers(1, 2)), "dilation": draw(st.integers(1, 2)), "bias": draw(st.booleans())}
    kind = getattr(nn, f"Conv{'Transpose' if transposed else ''}{dimensions}d")
    layer = kind(c_in, c_out, kernel, groups=groups, **options)
    x = meta(draw(st.integers(1, 3)), c_in, *(draw(st.integers(5, 7)) for _ in range(dimensions)))
    (found,) = working(layer, x)
    assert found.cost.madds == torch_madds(layer, x)
    assert found.cost.reads_activation == x.numel()
    assert found.cost.reads_weight == sum(parameter.numel() for parameter in layer.parameters())
    assert found.cost.writes == layer(x).numel()


# --- products ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "inputs", "weights", "madds", "expected"),
    [
        (torch.mm, [(3, 4), (4, 5)], [], 3 * 4 * 5, (12 + 20, 0, 15)),
        (torch.mm, [(3, 4)], [(4, 5)], 3 * 4 * 5, (12, 20, 15)),
        (lambda x, w: torch.mm(w, x), [(4, 5)], [(3, 4)], 3 * 4 * 5, (20, 12, 15)),
        (torch.bmm, [(2, 3, 4), (2, 4, 5)], [], 2 * 3 * 4 * 5, (24 + 40, 0, 30)),
        (lambda x, w, b: torch.addmm(b, x, w), [(3, 4)], [(4, 5), (5,)], 3 * 4 * 5, (12, 20 + 5, 15)),
        (torch.baddbmm, [(2, 3, 5), (2, 3, 4), (2, 4, 5)], [], 2 * 3 * 4 * 5, (30 + 24 + 40, 0, 30)),
        (lambda x, w: x @ w, [(2, 3, 4)], [(4, 5)], 2 * 3 * 4 * 5, (24, 20, 30)),
        (F.linear, [(2, 3, 4)], [(5, 4), (5,)], 2 * 3 * 4 * 5, (24, 20 + 5, 30)),
        (F.linear, [(2, 3, 4)], [(5, 4)], 2 * 3 * 4 * 5, (24, 20, 30)),
        (lambda x, w: x @ w, [(3, 4)], [(4,)], 3 * 4, (12, 4, 3)),
        (lambda x, y: torch.einsum("bik,bjk->bij", x, y), [(2, 3, 4), (2, 5, 4)], [], 2 * 3 * 4 * 5, (24 + 40, 0, 30)),
        (lambda x, w: torch.einsum("bnc,cd->bnd", x, w), [(2, 3, 4)], [(4, 5)], 2 * 3 * 4 * 5, (24, 20, 30)),
        (lambda x, w: x @ w.expand(2, 4, 5), [(2, 3, 4)], [(4, 5)], 2 * 3 * 4 * 5, (24, 20, 30)),  # once a batch
    ],
    ids=[
        *("mm", "mm-weight-right", "mm-weight-left", "bmm", "addmm", "baddbmm", "matmul", "linear-bias", "linear"),
        *("mv", "einsum-bmm", "einsum-weight", "bmm-expanded-weight"),
    ],
)
def test_product(
    function: Callable[..., Tensor],
    inputs: list[tuple[int, ...]],
    weights: list[tuple[int, ...]],
    madds: int,
    expected: tuple[int, int, int],
) -> None:
    (found,) = working(function, *(meta(*shape) for shape in inputs), weights=tuple(weights))
    assert found.kind == "matmul"
    assert found.cost.madds == madds
    assert access(found) == expected


def test_complex_product_counts_like_a_real_one() -> None:
    """One for each pair of elements, as torch counts, of eight bytes each."""
    x, y = meta(3, 4, dtype=torch.complex64), meta(4, 5, dtype=torch.complex64)
    (found,) = working(torch.mm, x, y)
    assert found.cost.madds == 3 * 4 * 5
    assert found.cost.mac_bytes == 8 * (12 + 20 + 15)


def test_linear_reads_its_weight_once_whatever_the_batch() -> None:
    for batch in (1, 64):
        (found,) = working(nn.Linear(16, 32), meta(batch, 7, 16))
        assert access(found) == (batch * 7 * 16, 16 * 32 + 32, batch * 7 * 32)
        assert found.cost.madds == batch * 7 * 16 * 32


def test_linear_on_a_view_is_one_layer() -> None:
    """Positions include the batch, whichever operator the layer runs as."""
    layer = nn.Linear(16, 32, bias=False).requires_grad_(False)
    found = profile(lambda x: layer(x.transpose(1, 2)), meta(4, 16, 7))
    (shape,) = (costed.contraction for costed in found.working if costed.contraction is not None)
    assert (shape.c_in, shape.c_out, shape.groups) == (16, 32, 1)
    assert shape.positions_in == shape.positions_out == 4 * 7


def test_bias_that_is_not_added_is_not_read() -> None:
    """ "If beta is 0, then the content of input will be ignored" (torch.addmm)."""
    (found,) = working(lambda c, x, y: torch.addmm(c, x, y, beta=0), meta(3, 5), meta(3, 4), meta(4, 5))
    assert access(found) == (12 + 20, 0, 15)
    assert found.cost.other_ops == 0


# --- attention -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heads", "key_heads", "queries", "keys", "width", "value_width"),
    [(4, 4, 5, 5, 8, 8), (4, 4, 5, 7, 8, 8), (4, 4, 5, 7, 8, 6), (4, 2, 5, 7, 8, 8), (8, 1, 5, 7, 8, 6)],
)
def test_attention(heads: int, key_heads: int, queries: int, keys: int, width: int, value_width: int) -> None:
    """Both products, each query head against its group's keys: b·h·L_q·L_k·(d_qk + d_v)."""
    inputs = (meta(2, heads, queries, width), meta(2, key_heads, keys, width), meta(2, key_heads, keys, value_width))
    found = profile(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=heads != key_heads), *inputs)
    assert found.total.madds == 2 * heads * queries * keys * (width + value_width)
    assert found.coverage["unknown"] == ()
    assert found.classes["matmul"].madds == found.total.madds
    if width == value_width:  # one kernel, which keeps a number for each query besides
        (kernel,) = found.working
        read = 2 * (heads * queries + 2 * key_heads * keys) * width
        assert access(kernel) == (read, 0, 2 * heads * queries * (width + 1))


def test_attention_mask_is_read() -> None:
    inputs = [meta(2, 4, 5, 8)] * 3
    plain, masked, causal = (
        only(working(function, *inputs, *extra), "_scaled_dot_product_flash_attention_for_cpu")
        for function, extra in (
            (lambda q, k, v: F.scaled_dot_product_attention(q * 1, k * 1, v * 1), ()),
            (lambda q, k, v, m: F.scaled_dot_product_attention(q * 1, k * 1, v * 1, m), (meta(5, 5),)),
            (lambda q, k, v: F.scaled_dot_product_attention(q * 1, k * 1, v * 1, is_causal=True), ()),
        )
    )
    assert plain.cost.reads_activation == 3 * 2 * 4 * 5 * 8
    assert masked.cost.reads_activation == plain.cost.reads_activation + 25  # expanded over batch and heads
    assert plain.cost.madds == masked.cost.madds == causal.cost.madds == 2 * 4 * 25 * 16


# --- pooling, normalisation, reduction -----------------------------------------------------------------------------


def test_max_pool_writes_its_indices_in_eager_mode() -> None:
    (found,) = working(nn.MaxPool2d(3, stride=2), meta(1, 2, 9, 9))
    assert found.kind == "pool"
    assert access(found) == (2 * 81, 0, 2 * 16 + 2 * 16)
    assert found.cost.mac_bytes == 4 * 162 + 4 * 32 + 8 * 32
    assert found.cost.other_ops == 2 * 16 * 9


@pytest.mark.parametrize(
    ("layer", "shape", "expected", "other_ops"),
    [
        (nn.AvgPool2d(2), (1, 2, 8, 8), (128, 0, 32), 32 * 4),
        (nn.AvgPool1d(4), (1, 2, 8), (16, 0, 4), 4 * 4),
        (nn.AvgPool3d(2), (1, 2, 4, 4, 4), (128, 0, 16), 16 * 8),
        (nn.AdaptiveAvgPool2d(2), (1, 2, 8, 8), (128, 0, 8), 128),
    ],
    ids=str,
)
def test_average_pool(layer: nn.Module, shape: tuple[int, ...], expected: tuple[int, int, int], other_ops: int) -> None:
    (found,) = working(layer, meta(*shape))
    assert found.kind == "pool"
    assert access(found) == expected
    assert found.cost.other_ops == other_ops


@pytest.mark.parametrize(
    ("layer", "shape", "read", "weight"),
    [
        (nn.BatchNorm2d(3), (2, 3, 4, 4), 96, 4 * 3),  # scale, shift, mean, variance
        (nn.BatchNorm2d(3, affine=False), (2, 3, 4, 4), 96, 2 * 3),
        (nn.LayerNorm(4), (2, 3, 4), 24, 2 * 4),
        (nn.GroupNorm(2, 4), (2, 4, 3), 24, 2 * 4),
        (nn.Softmax(-1), (2, 3, 4), 24, 0),
        (nn.LogSoftmax(-1), (2, 3, 4), 24, 0),
    ],
    ids=str,
)
def test_norm(layer: nn.Module, shape: tuple[int, ...], read: int, weight: int) -> None:
    (found,) = working(layer, meta(*shape))
    assert found.kind == "norm"
    assert access(found)[:2] == (read, weight)
    assert found.cost.writes >= read  # statistics may be written besides
    assert found.cost.madds == 0


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x.sum(), (24, 0, 1)),
        (lambda x: x.mean(-1), (24, 0, 6)),
        (lambda x: x.amax(0), (24, 0, 12)),
        (lambda x: x.argmax(-1), (24, 0, 6)),
        (lambda x: x.max(-1).values, (24, 0, 6 + 6)),
        (lambda x: x.cumsum(0), (24, 0, 24)),
    ],
)
def test_reduction(function: Callable[..., Tensor], expected: tuple[int, int, int]) -> None:
    (found,) = working(function, meta(2, 3, 4))
    assert found.kind == "reduction"
    assert access(found) == expected
    assert found.cost.other_ops == 24


def test_channel_shuffle_moves_all_once() -> None:
    def function(x: Tensor) -> Tensor:
        return x.view(1, 2, 3, 4, 4).transpose(1, 2).reshape(1, 6, 4, 4)

    (found,) = working(function, meta(1, 6, 4, 4))
    assert access(found) == (96, 0, 96)
    assert found.kind == "data-movement"


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_interpolation(mode: str) -> None:
    (found,) = working(lambda x: F.interpolate(x, scale_factor=2.0, mode=mode), meta(1, 2, 4, 4))
    assert access(found) == (32, 0, 128)


@pytest.mark.parametrize(
    ("mode", "taps", "read"), [("bilinear", 4, 2 * 3 * 8 * 8), ("nearest", 0, 210), ("bicubic", 16, 2 * 3 * 8 * 8)]
)
def test_grid_sample_weighs_its_neighbours(mode: str, taps: int, read: int) -> None:
    """A product and a sum for each neighbour of each of 2·3·5·7 = 210 results; nearest reads one of 384 for each."""
    sample = partial(torch.nn.functional.grid_sample, mode=mode, align_corners=False)
    found = only(working(sample, meta(2, 3, 8, 8), meta(2, 5, 7, 2)), "grid_sampler_2d")
    assert found.cost.other_ops == 2 * taps * (2 * 3 * 5 * 7)
    assert access(found) == (read + 2 * 5 * 7 * 2, 0, 2 * 3 * 5 * 7)


def test_weight_norm_and_loss_are_known() -> None:
    """Each element of the weight is squared, added and scaled; the loss picks one of ten for each of four."""
    layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(6, 5))
    norm = only(working(layer, meta(4, 6)), "_weight_norm_interface")
    assert norm.cost.other_ops == 3 * 6 * 5
    loss = only(working(torch.nn.functional.nll_loss, meta(4, 10), index(4)), "nll_loss_forward")
    assert loss.cost.other_ops == 4
    assert loss.cost.reads_activation == 4 + 4

"""What a finding of each guideline says, and every number in it, worked out by hand.

Maps are 5 × 7, so hw = 35. An element is counted once for each time that it is read or written; it has 4 bytes
in float32, 2 in float16.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isclose, sqrt
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mac_audit.api import audit
from mac_audit.device import Device, Figure
from mac_audit.profile import Profile
from mac_audit.report import Finding, Report
from tests.costing import Function, meta

HW = 5 * 7
ALWAYS = {"limit": 0.0, "negligible": 0.0}


def found(model: nn.Module, x: Tensor, code: str, **options: float) -> tuple[Report, list[Finding]]:
    report = audit(model.to(x.dtype), x, select=[code], options={code: options})
    return report, list(report.findings)


def judged(report: Report) -> tuple[str, float | None, str]:
    """Verdict, value and what was measured."""
    (rule,) = report.rules
    return rule.verdict, rule.value, rule.measure


def conv(c_in: int, c_out: int, kernel: int = 1, groups: int = 1, **more: Any) -> nn.Conv2d:
    return nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, groups=groups, bias=False, device="meta", **more)


def saving(finding: Finding) -> tuple[float, float, float]:
    return finding.saving.mac_elements, finding.saving.mac_bytes, finding.saving.share


@pytest.mark.parametrize(("dtype", "itemsize"), [(torch.float32, 4), (torch.float16, 2)])
def test_unequal_widths(dtype: torch.dtype, itemsize: int) -> None:
    """12 → 108 costs hw · 120 + 12 · 108 = 5496, 36 → 36 at the same multiply-adds hw · 72 + 36 · 36: hw · 48 less.

    In multiples of 8 nearest to √1296 = 36 are 32 and 40, of 1280 products of channels, 1.2 % less; 40 · 40 is farther.
    """
    report, (finding,) = found(conv(12, 108), meta(1, 12, 5, 7, dtype=dtype), "G1")
    access = HW * 120 + 12 * 108
    assert report.totals.mac_elements == access
    measure = "avoidable MAC of 1×1 convolutions and linear layers ÷ their MAC"
    assert judged(report) == ("fail", pytest.approx(HW * 48 / access), measure)
    assert finding.message == "channel widths 9 to 1: c1=12, c2=108"
    assert finding.instead == (
        "c1=12, c2=108 → 36 and 36, at the same multiply-adds; in multiples of 8: 32 and 40 (-1.2 % multiply-adds)"
    )
    assert saving(finding) == pytest.approx((HW * 48, HW * 48 * itemsize, HW * 48 / access))
    assert isclose(finding.value, HW * 48 / access)
    now, instead, rounded = (finding.counterfactual[side] for side in ("now", "instead", "rounded"))
    assert (now["c_in"], now["c_out"], now["madds"], now["mac_elements"]) == (12, 108, HW * 1296, access)
    assert (instead["c_in"], instead["c_out"], instead["madds"]) == (36, 36, HW * 1296)
    assert instead["mac_elements"] == access - HW * 48
    assert (rounded["c_in"], rounded["c_out"], rounded["mac_elements"]) == (32, 40, HW * 72 + 1280)


def test_widths_that_data_set_count_in_the_measure() -> None:
    """3 → 27 reads an image: 9 → 9 would spare hw · 12, of which no layer is blamed. 27 → 3 and its data are alike."""
    report, findings = found(nn.Sequential(conv(3, 27), conv(27, 27), conv(27, 3)), meta(1, 3, 5, 7), "G1")
    value = 2 * HW * 12 / (HW * (30 + 54 + 30) + 81 + 27 * 27 + 81)
    measure = (
        f"avoidable MAC of 1×1 convolutions and linear layers ÷ their MAC, {value:.3f} of it where data set a width"
    )
    assert judged(report) == ("pass", pytest.approx(value), measure)
    assert not findings


def test_multiples_are_told_where_they_help() -> None:
    """9 → 4 is 6 → 6, but 8 → 8 costs hw · 16 + 64, more than hw · 13 + 36. 24 → 96 in 3 groups is 48 → 48, multiples
    of 8 and of 3 already. 6 → 54 in 3 groups is 18 → 18; 24 → 24 has 576 products to 324 and costs less than now.
    """
    for layer, equal, further in (
        (conv(9, 4), 6, ""),
        (conv(24, 96, groups=3), 48, ""),
        (conv(6, 54, groups=3), 18, "; in multiples of 24: 24 and 24 (+77.8 % multiply-adds)"),
    ):
        c1, c2 = layer.in_channels, layer.out_channels
        (finding,) = found(layer, meta(1, c1, 5, 7), "G1", **ALWAYS)[1]
        assert finding.instead == f"c1={c1}, c2={c2} → {equal} and {equal}, at the same multiply-adds{further}"
        assert ("rounded" in finding.counterfactual) is bool(further)
        assert isclose(finding.saving.mac_elements, HW * (c1 + c2 - 2 * equal))


@pytest.mark.parametrize(("dtype", "itemsize"), [(torch.float32, 4), (torch.float16, 2)])
def test_groups(dtype: torch.dtype, itemsize: int) -> None:
    """18 → 36 in 9 groups is as much as 6 → 12 in none: both widths a third, which spares two thirds of both maps."""
    model = conv(18, 36, 3, groups=9)
    report, (finding,) = found(model, meta(1, 18, 5, 7, dtype=dtype), "G2")
    access = HW * 54 + 9 * 18 * 36 // 9
    assert report.totals.mac_elements == access
    measure = "avoidable MAC of grouped convolutions ÷ the model's MAC"
    assert judged(report) == ("fail", pytest.approx(HW * 36 / access), measure)
    assert finding.message == "9 groups, kernel 3×3: c1=18, c2=36"
    assert finding.instead == ("no groups, c1=18, c2=36 → 6 and 12 (both divided by √9), at the same multiply-adds")
    assert saving(finding) == pytest.approx((HW * 36, HW * 36 * itemsize, HW * 36 / access))
    assert isclose(finding.value, HW * 36 / access)
    now, instead = finding.counterfactual["now"], finding.counterfactual["instead"]
    assert (now["groups"], instead["groups"], instead["c_in"], instead["c_out"]) == (9, 1, 6, 12)
    assert now["madds"] == instead["madds"] == HW * 9 * 6 * 12
    assert instead["mac_elements"] == access - HW * 36


class Branches(nn.Module):
    """Two 1×1 and one 3×3 of one map, concatenated."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = conv(6, 4), conv(6, 8), conv(6, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.a(x), self.b(x), self.c(x)], 1)


@pytest.mark.parametrize(("dtype", "itemsize"), [(torch.float32, 4), (torch.float16, 2)])
def test_fragments(dtype: torch.dtype, itemsize: int) -> None:
    """Three fragments where one would be a chain; one wider layer reads the map of 6 channels once, not three times."""
    report, (finding,) = found(Branches(), meta(1, 6, 5, 7, dtype=dtype), "G3")
    assert judged(report) == ("fail", 3.0, "average parallelism: fragments ÷ those on the longest chain")
    assert finding.message == "3 operators side by side and in sequence where 1 would be a chain: width 3"
    assert finding.instead == (
        "one wider layer for the 3 layers that read the same tensor (2 of 1×1, 1 of 3×3): 3 → 1 operators"
    )
    assert finding.value == 2  # (3 − 1) ÷ 1
    spared = 2 * 6 * HW
    assert saving(finding) == pytest.approx((spared, spared * itemsize, spared / report.totals.mac_elements))
    assert finding.counterfactual == {
        "now": {"fragments": 3, "depth": 1, "width": 3},
        "instead": {"fragments": 1, "depth": 1, "width": 1},
        "merged": {"fragments": 1, "layers": [["1×1", "1×1", "3×3"]]},
    }


class Widened(nn.Module):
    """6 → 4 → 12 channels, then an activation."""

    def __init__(self) -> None:
        super().__init__()
        self.thin, self.wide, self.act = conv(6, 4), conv(4, 12), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.act(self.wide(self.thin(x)))
        return y


@pytest.mark.parametrize(("dtype", "itemsize"), [(torch.float32, 4), (torch.float16, 2)])
def test_an_activation(dtype: torch.dtype, itemsize: int) -> None:
    """It reads and writes 12 channels; in the kernel of ``wide`` neither is read nor what that wrote for it."""
    report, (finding,) = found(Widened(), meta(1, 6, 5, 7, dtype=dtype), "G4", **ALWAYS)
    model = HW * (6 + 4) + 24 + HW * (4 + 12) + 48 + HW * 24
    assert report.totals.mac_elements == model
    assert finding.message == f"relu of a 1×12×5×7 map: {100 * HW * 24 / model:.1f} % of the model's MAC"
    assert finding.instead == (
        "run it in the kernel of wide (torch.compile and inference engines do),"
        " or move it to the thin side, a map 3 times smaller"
    )
    assert saving(finding) == pytest.approx((HW * 24, HW * 24 * itemsize, HW * 24 / model))
    assert isclose(finding.value, HW * 24 / model)
    assert finding.counterfactual == {
        "now": {"mac_elements": HW * 24, "madds": 0},
        "instead": {"mac_elements": 0, "madds": 0},
    }


def test_element_wise_operators_and_depthwise_convolutions_count_apart() -> None:
    """An activation of 24 · hw elements and a depthwise convolution of 24 · hw + 12 · 9, of 42 · hw + 72 more."""
    model = nn.Sequential(conv(6, 12), nn.ReLU(), conv(12, 12, 3, groups=12), conv(12, 12))
    report = found(model, meta(1, 6, 5, 7), "G4")[0]
    activation, depthwise = HW * 24, HW * 24 + 108
    whole = activation + depthwise + HW * 18 + 72 + HW * 24 + 144
    assert report.totals.mac_elements == whole
    measure = (
        f"MAC share of element-wise operators ({activation / whole:.3f}) and depthwise convolutions"
        f" ({depthwise / whole:.3f})"
    )
    assert judged(report) == ("fail", pytest.approx((activation + depthwise) / whole), measure)


def test_a_shortcut() -> None:
    """The sum reads both maps and writes one. In the later convolution's kernel a read and a write are spared."""

    def forward(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        y = torch.conv2d(x, a)
        return y + torch.conv2d(y, b)

    (finding,) = found(Function(forward, (6, 6, 1, 1), (6, 6, 1, 1)), meta(1, 6, 5, 7), "G4", **ALWAYS)[1]
    assert finding.message.startswith("add of a 1×6×5×7 map: ")
    assert finding.instead == (
        "run it in the kernel of the model (torch.compile and inference engines do), or concatenate instead of adding"
    )
    assert finding.saving.mac_elements == 2 * 6 * HW
    assert finding.counterfactual["now"] == {"mac_elements": 3 * 6 * HW, "madds": 0}
    assert finding.counterfactual["instead"] == {"mac_elements": 6 * HW, "madds": 0}


def test_what_no_kernel_can_take_in() -> None:
    """A depthwise 3×3 moves (hw · 20 + 90) ÷ (hw · 90) = 0.25 elements a multiply-add; a gate reads the input."""

    def gate(x: Tensor, weight: Tensor) -> Tensor:
        return torch.conv2d(x.sigmoid(), weight)

    x = meta(1, 10, 5, 7)
    (depthwise,) = found(conv(10, 10, 3, groups=10), x, "G4", **ALWAYS)[1]
    assert depthwise.instead == "fewer channels: it moves 0.25 elements for a multiply-add, however it is run"
    assert depthwise.value == 1
    assert saving(depthwise) == (0, 0, 0)
    assert depthwise.counterfactual["now"] == {"mac_elements": HW * 20 + 90, "madds": HW * 90}
    (gated,) = found(Function(gate, (10, 10, 1, 1)), x, "G4", **ALWAYS)[1]
    assert gated.message == f"sigmoid of a 1×10×5×7 map: {100 * HW * 20 / (HW * 40 + 100):.1f} % of the model's MAC"
    assert gated.instead == "do without it, or move it to a thinner map: its operands are read elsewhere too"
    assert saving(gated) == (0, 0, 0)


def test_what_is_negligible_is_not_listed() -> None:
    """Places that save just the share are listed, smaller ones are not; where all are smaller, the largest is."""
    model = nn.Sequential(conv(6, 12), nn.ReLU(), conv(12, 6), nn.ReLU())
    whole = HW * 18 + 72 + HW * 24 + HW * 18 + 72 + HW * 12
    for negligible, places in ((12, 2), (12.1, 1), (24, 1), (24.1, 1)):
        share = negligible * HW / whole
        listed = found(model, meta(1, 6, 5, 7), "G4", limit=0.0, negligible=share)[1]
        assert [finding.layer for finding in listed] == ["1", "3"][:places], negligible


def _sum(a: Tensor) -> Tensor:
    return a.sum() * 2


@pytest.mark.parametrize(
    ("code", "model", "x", "amount", "width"),
    [
        ("G1", conv(12, 108), meta(1, 12, 5, 7), 9, 36),
        ("G1", conv(108, 12), meta(1, 108, 5, 7), 9, 36),
        ("G2", conv(18, 36, 3, groups=9), meta(1, 18, 5, 7), 9, sqrt(18 * 36 / 9)),
        ("G3", Branches(), meta(1, 6, 5, 7), 3, sqrt(6 * 4 + 6 * 8 + 6 * 3)),
        ("G4", Widened(), meta(1, 6, 5, 7), 1, 12),
        ("G4", Function(lambda x: x + x.tanh()), meta(1, 6, 5, 7), 2, 6),  # of the two it saves more
        ("G4", nn.Sequential(nn.Linear(6, 12, device="meta"), nn.GELU()), meta(1, 5, 6), 1, 12),
        ("G4", Function(_sum), meta(3, 4), 1, 1),
    ],
)
def test_what_an_experiment_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    model: nn.Module | Callable[..., Any],
    x: Tensor,
    amount: float,
    width: float,
) -> None:
    """Ratio of widths, groups, branches, maps read; channels of the layer, or of what has its multiply-adds."""
    asked: list[tuple[str, float, float]] = []

    def cited(self: Profile, code: str, costed: object, amount: float, width: float) -> None:
        asked.append((code, amount, width))

    monkeypatch.setattr(Profile, "cited", cited)
    options = ALWAYS if code == "G4" else {}
    found(model, x, code, **options)  # type: ignore[arg-type]
    assert asked[0] == (code, amount, pytest.approx(width))


def test_blocks_are_blamed_from_the_most_fragmented_on() -> None:
    """Three branches and then six, 9 fragments on a chain of 2: a limit of 2 asks for the six alone, after which 4 are
    left; a limit of 1.5 asks for both.
    """

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.few = nn.ModuleList(conv(6, 2) for _ in range(3))
            self.many = nn.ModuleList(conv(6, 2) for _ in range(6))

        def forward(self, x: Tensor) -> Tensor:
            x = torch.cat([branch(x) for branch in self.few], 1)
            return torch.cat([branch(x) for branch in self.many], 1)

    for limit, values in ((2.0, [5 / 2]), (1.5, [5 / 2, 2 / 2])):
        report, findings = found(Two(), meta(1, 6, 5, 7), "G3", limit=limit)
        assert judged(report)[1] == 9 / 2
        assert [finding.value for finding in findings] == values


@pytest.mark.parametrize(("maps", "more"), [(3, ""), (4, " and 1 more such group"), (5, " and 2 more such groups")])
def test_groups_of_layers_beyond_the_third_are_counted(maps: int, more: str) -> None:
    """Of each map two layers read; the maps are slices of the input, so that all is one block."""

    class Slices(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(conv(6, 2) for _ in range(2 * maps))

        def forward(self, x: Tensor) -> Tensor:
            slices = x.split(6, 1)
            return torch.cat([layer(slices[i // 2]) for i, layer in enumerate(self.layers)], 1)

    (finding,) = found(Slices(), meta(1, 6 * maps, 5, 7), "G3")[1]
    two = "the 2 layers that read the same tensor (2 of 1×1)"
    assert finding.instead == (
        f"one wider layer for {two} and {two} and {two}{more}: {2 * maps} → {maps} operators; then fewer branches,"
        " for 1 in sequence"
    )


def test_layers_that_save_next_to_nothing_are_not_blamed_but_count() -> None:
    """100 → 90 would save hw · (√100 − √90)² = hw · 0.26, less than a thousandth of its memory access; it counts."""
    model = nn.Sequential(conv(100, 90))
    report, findings = found(model, meta(1, 100, 5, 7), "G1", limit=0.0)
    whole = HW * 190 + 9000
    assert judged(report)[:2] == ("pass", pytest.approx(HW * (10 - sqrt(90)) ** 2 / whole))
    assert not findings


def test_groups_that_save_next_to_nothing_are_not_blamed_but_count() -> None:
    """4 → 4 in 2 groups would save hw · 8 · (1 − √½), less than a thousandth of the model's memory access."""
    model = nn.Sequential(conv(600, 600), conv(600, 4), conv(4, 4, groups=2))
    report, findings = found(model, meta(1, 600, 5, 7), "G2", limit=0.0)
    whole = HW * (1200 + 604 + 8) + 600 * 604 + 8
    assert judged(report)[:2] == ("pass", pytest.approx(HW * 8 * (1 - sqrt(0.5)) / whole))
    assert not findings


def test_of_many_small_places_the_largest_is_named() -> None:
    """No compiler takes in a depthwise convolution, and each is less than the share that is listed."""
    model = nn.Sequential(*(conv(side, side, 3, groups=side) for side in (4, 4, 4)), nn.Conv2d(4, 8, 1, device="meta"))
    model.append(conv(8, 8, 3, groups=8))
    (finding,) = found(model, meta(1, 4, 5, 7), "G4", limit=0.0, negligible=0.9)[1]
    assert finding.layer == "4"


def test_time_that_an_element_wise_operator_saves_is_a_launch_and_its_memory_access() -> None:
    """In another's kernel it is not launched. Of an activation's bytes none is moved then, of a sum's a third is."""

    def summed(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        return torch.conv2d(x, a) + torch.conv2d(x, b)

    device = Device(
        name="plain",
        title="A device of round figures",
        kind="cpu",
        peak={"float32": Figure(1e12, "round")},
        bandwidth=Figure(1e9, "round"),
        launch=Figure(1e-3, "round"),
        lanes=Figure(1, "round"),
    )
    for model, spared in ((Widened(), 24), (Function(summed, (6, 6, 1, 1), (6, 6, 1, 1)), 12)):
        report = audit(model, meta(1, 6, 5, 7), select=["G4"], options={"G4": ALWAYS}, device=device)
        (finding,) = report.findings
        assert finding.saving.predicted_ms == pytest.approx(1 + 1000 * HW * spared * 4 / 1e9)


def test_maps_that_are_multiplied_cannot_be_concatenated_instead() -> None:
    """A gate of one map by another; only a sum has that way out."""

    def gated(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        y = torch.conv2d(x, a)
        return y * torch.conv2d(y, b)

    (finding,) = found(Function(gated, (6, 6, 1, 1), (6, 6, 1, 1)), meta(1, 6, 5, 7), "G4", **ALWAYS)[1]
    assert finding.instead == "run it in the kernel of the model (torch.compile and inference engines do)"


def test_what_can_be_mended_is_named_before_what_cannot() -> None:
    """All are below the share that is listed: the activation is told, not the depthwise convolution behind it."""
    model = nn.Sequential(conv(4, 4), nn.ReLU(), conv(4, 4, 3, groups=4))
    (finding,) = found(model, meta(1, 4, 5, 7), "G4", limit=0.0, negligible=0.9)[1]
    assert (finding.layer, finding.saving.mac_elements) == ("1", HW * 8)


def test_layers_behind_pools_of_one_map_are_not_merged() -> None:
    """Each branch pools for itself; only views and element-wise functions of a tensor count as one."""

    def branches(x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        pooled = [torch.max_pool2d(x, 3, 1, 1) for _ in range(3)]
        return torch.cat([torch.conv2d(y, weight) for y, weight in zip(pooled, (a, b, c), strict=True)], 1)

    model = Function(branches, *[(4, 6, 1, 1)] * 3)
    (finding,) = found(model, meta(1, 6, 5, 7), "G3")[1]
    assert finding.instead == "fewer branches, and wider layers in those that stay: 2 in sequence"
    assert finding.saving.mac_elements == 0

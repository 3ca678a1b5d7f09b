"""Fitting: numbers that are known are found again, and the paper's clocks are the judges of what was fitted on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from math import isclose, log

import pytest
import torch

from mac_audit.cost import Contraction, Cost, Costed
from mac_audit.device import Device, Figure, Rates, Step, time_of
from mac_audit.device_file import find
from mac_audit.experiments import PLATFORMS, Platform
from mac_audit.experiments.blocks import UNITS, WIDTHS, Stack, stacks, width_of
from mac_audit.experiments.fit import errors, fit, held_out, measured
from mac_audit.experiments.predicted import plainest, profile
from mac_audit.measuring.fit import Free, fitted
from mac_audit.network import Operator
from mac_audit.ranks import rank_correlation, scaled_error

PAPER: tuple[Platform, ...] = ("gpu", "arm")


# --- the fit itself --------------------------------------------------------------------------------------------------

PLAIN = replace(find("avx2-core"), rates={}, like="", caches=())
TRUTH = replace(
    PLAIN,
    launch=Figure(2e-5, "made up"),
    rates={"conv": Rates(compute=0.4, memory=0.7, width=6), "elementwise": Rates(memory=0.3)},
)
FREE = (
    Free("launch", start=5e-6),
    Free("compute", ("conv",), start=0.8),
    Free("memory", ("conv",), start=0.5),
    Free("width", ("conv",), start=2),
    Free("memory", ("elementwise",), start=0.5),
)


def costed(cost: Cost, kind: str, shape: Contraction | None = None) -> Costed:
    return Costed(Operator("op", "aten.some.default", {}, ()), kind, "exact", cost, shape, 4)


def samples() -> list[Costed]:
    """Convolutions and element-wise operators, narrow and wide, small and large."""
    found = []
    for width in (2, 8, 32, 128):
        for positions in (1, 16, 256, 4096):
            shape = Contraction(width, width, positions, positions, kernel=(1, 1))
            size = 4 * shape.mac_elements
            cost = Cost(madds=shape.madds, reads_activation=shape.mac_elements, mac_bytes=size, operators=1)
            found.append(costed(cost, "conv", shape))
            cost = Cost(other_ops=positions, reads_activation=width * positions, mac_bytes=400 * positions, operators=1)
            found.append(costed(cost, "elementwise"))
    return found


@pytest.mark.parametrize("disturbed", [(), (3, 17)])
def test_known_numbers_are_found_again(disturbed: tuple[int, ...]) -> None:
    """Also where two of the measurements are five times too long."""
    operators = samples()
    seconds = [
        time_of(Step(op, "float32"), TRUTH).total * (5 if i in disturbed else 1) for i, op in enumerate(operators)
    ]

    def residuals(device: Device, which: Sequence[int]) -> Sequence[float]:
        return [log(time_of(Step(operators[i], "float32"), device).total / seconds[i]) for i in which]

    def touched(free: Free) -> Sequence[int]:
        return [i for i, op in enumerate(operators) if not free.kinds or op.kind in free.kinds]

    found = fitted(PLAIN, FREE, residuals, len(operators), touched)
    assert found == fitted(PLAIN, FREE, residuals, len(operators))
    assert isclose(found.launch.value, 2e-5, rel_tol=0.03)
    assert isclose(found.rates["conv"].compute, 0.4, rel_tol=0.03)
    assert isclose(found.rates["conv"].width, 6, rel_tol=0.03)
    assert isclose(found.rates["elementwise"].memory, 0.3, rel_tol=0.03)


def test_what_the_data_say_nothing_of_stays() -> None:
    def residuals(device: Device, which: Sequence[int]) -> Sequence[float]:
        return [log(device.launch.value / 3e-6)] * len(which)

    found = fitted(PLAIN, (Free("launch", start=1e-5), Free("compute", ("pool",), start=0.37)), residuals, 5)
    assert isclose(found.launch.value, 3e-6, rel_tol=0.01)
    assert isclose(found.rates["pool"].compute, 0.37, rel_tol=1e-6)


# --- how good an order is --------------------------------------------------------------------------------------------


def test_rank_correlation_by_hand() -> None:
    """1 − 6·Σd²/(n(n² − 1)) for n = 4 and d = 0, 1, 1, 0; ties share their mean rank."""
    assert isclose(rank_correlation([1, 2, 3, 4], [10, 30, 20, 40]), 1 - 6 * 2 / 60)
    assert isclose(rank_correlation([1, 2, 2, 3], [1, 2, 2, 3]), 1)
    assert rank_correlation([1, 2, 3], [5, 5, 5]) == 0


def test_scaled_error_by_hand() -> None:
    """Ratios 2, 2, 4 have the median 2: left are 0, 0 and 1."""
    assert scaled_error([2, 4, 12], [1, 2, 3]) == 0


# --- the paper's platforms -------------------------------------------------------------------------------------------


@cache
def fitted_again(platform: Platform) -> Device:
    return fit(platform, measured(platform))


@pytest.mark.parametrize("platform", PAPER)
def test_the_files_hold_what_the_fit_finds(platform: Platform) -> None:
    bundled, again = find(PLATFORMS[platform]), fitted_again(platform)
    assert isclose(bundled.launch.value, again.launch.value, rel_tol=1e-3)
    assert bundled.rates.keys() == again.rates.keys()
    for kind, rates in bundled.rates.items():
        for name in ("compute", "memory", "width", "fill", "per_group"):
            assert isclose(getattr(rates, name), getattr(again.rates[kind], name), rel_tol=1e-3), (kind, name)


@pytest.mark.parametrize("platform", PAPER)
def test_tables_are_predicted_by_the_other_tables(platform: Platform) -> None:
    """Within a tenth of what the paper measured, for each table in the median, and better than half of it at worst."""
    for table, missed in held_out(platform, measured(platform)).items():
        assert sorted(missed)[len(missed) // 2] < 0.1, table
        assert max(missed) < 0.5, table


def test_errors_are_relative() -> None:
    found = measured("arm")[:1]
    device = fitted_again("arm")
    by_hand = abs(found[0].predicted(device) * found[0].row.speed - 1)
    assert errors(found, device) == [pytest.approx(by_hand)]


# --- networks that nothing was fitted on -----------------------------------------------------------------------------


@pytest.mark.parametrize("network", UNITS)
@pytest.mark.parametrize("c", WIDTHS)
def test_blocks_have_equal_multiply_adds(network: str, c: int) -> None:
    """Within what whole channels allow: multiples of 12 for ShuffleNetV1, six-fold ones for MobileNetV2."""
    wanted = UNITS["shufflenet_v2"].madds(c)
    assert UNITS[network].madds(width_of(network, c)) == pytest.approx(wanted, rel=0.08)


@pytest.mark.parametrize("network", UNITS)
def test_multiply_adds_of_a_unit(network: str) -> None:
    stack = next(stack for stack in stacks("arm") if stack.network == network)
    counted = profile(stack, "folded", find("snapdragon-810")).total.madds
    assert counted == pytest.approx(10 * stack.side**2 * UNITS[network].madds(stack.width))


def order(platform: Platform, execution: str) -> dict[str, float]:
    """Rank correlation with the paper's speeds, by what predicts."""
    device = find(PLATFORMS[platform])
    trusted = [stack for stack in stacks(platform) if not stack.suspect]
    seen = [1 / stack.speed for stack in trusted]
    profiles = [profile(stack, execution, device) for stack in trusted]
    return {
        "flops": rank_correlation([p.total.madds for p in profiles], seen),
        "mac": rank_correlation([p.total.mac_bytes for p in profiles], seen),
        "plainest": rank_correlation([plainest(p, device) for p in profiles], seen),
        "device": rank_correlation([p.predicted_ms or 0 for p in profiles], seen),
    }


@pytest.mark.parametrize("platform", PAPER)
@pytest.mark.parametrize("execution", ["folded", "fused"])
def test_blocks_come_in_the_order_that_the_paper_measured(platform: Platform, execution: str) -> None:
    """Better than multiply-adds and memory access alone, whichever way they are run."""
    found = order(platform, execution)
    assert found["device"] > max(found["flops"], found["mac"])
    assert found["device"] > 0.95


def test_arm_is_predicted_within_a_tenth() -> None:
    """Absolutely: at batch 1 nothing about the run is left open."""
    device = find("snapdragon-810")
    missed = sorted(
        abs((profile(stack, "folded", device).predicted_ms or 0) / 1000 * stack.speed - 1) for stack in stacks("arm")
    )
    assert missed[len(missed) // 2] < 0.1


def test_a_stack_keeps_its_shape() -> None:
    for stack in stacks("gpu"):
        with torch.device("meta"):
            model = stack.build()
            image = torch.empty(1, stack.width, stack.side, stack.side)
        assert model(image).shape == image.shape
    assert isinstance(stack, Stack)

"""Times on a device: the formula by hand, exact sums, device files and what they say when they are wrong."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from math import fsum, isclose
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import nn

from mac_audit.api import audit
from mac_audit.capture import capture
from mac_audit.cli import main
from mac_audit.cost import Contraction, Cost, Costed
from mac_audit.device import Cache, Device, Figure, Rates, Step, time_of
from mac_audit.device_file import bundled, find, parse, written
from mac_audit.errors import MacAuditError
from mac_audit.load import load
from mac_audit.lower import lower
from mac_audit.network import Network, Operator
from mac_audit.profile import Profile

BY_HAND = "by hand"
PLAIN = Device(
    name="plain",
    title="A machine that is easy to calculate with",
    kind="cpu",
    peak={"float32": Figure(1e9, BY_HAND), "float16": Figure(4e9, BY_HAND)},
    bandwidth=Figure(1e8, BY_HAND),
    launch=Figure(1e-5, BY_HAND),
    lanes=Figure(8, BY_HAND),
)


def network_of(model: nn.Module, *shape: int, dtype: torch.dtype = torch.float32) -> Network:
    with torch.no_grad():
        return lower(capture(model.eval(), torch.empty(shape, dtype=dtype, device="meta")))


def zoo(name: str, execution: str, device: Device | None) -> Profile:
    loaded = load(f"zoo:{name}")
    return Profile(lower(capture(loaded.model, loaded.inputs)), execution, device)


def costed(
    cost: Cost, kind: str = "conv", shape: Contraction | None = None, target: str = "aten.convolution.default"
) -> Costed:
    return Costed(Operator("op", target, {}, ()), kind, "exact", cost, shape, 4)


# --- the formula -----------------------------------------------------------------------------------------------------


def test_compute_bound() -> None:
    """2 × 5 M operations at 1 G/s are 10 ms; 40 kB at 100 MB/s are 0.4 ms and hide behind them."""
    time = time_of(Step(costed(Cost(madds=5_000_000, writes=10_000, mac_bytes=40_000, operators=1)), "float32"), PLAIN)
    assert time.bound == "compute"
    assert isclose(time.total, 1e-5 + 10e-3)
    assert isclose(time.memory, 0.4e-3)


def test_memory_bound() -> None:
    """400 kB at 100 MB/s are 4 ms; 100 K operations at 1 G/s are 0.1 ms."""
    time = time_of(
        Step(costed(Cost(other_ops=100_000, writes=100_000, mac_bytes=400_000, operators=1)), "float32"), PLAIN
    )
    assert time.bound == "memory"
    assert isclose(time.total, 1e-5 + 4e-3)


def test_launch_bound() -> None:
    time = time_of(Step(costed(Cost(other_ops=10, writes=10, mac_bytes=40, operators=1)), "float32"), PLAIN)
    assert time.bound == "launch"
    assert isclose(time.total, 1e-5 + 40 / 1e8)


def test_peak_is_that_of_the_dtype() -> None:
    """A quarter of the time at four times the peak; a dtype without one takes float32's."""
    cost = Cost(madds=5_000_000, operators=1)
    assert isclose(time_of(Step(costed(cost), "float16"), PLAIN).arithmetic, 2.5e-3)
    assert isclose(time_of(Step(costed(cost), "bfloat16"), PLAIN).arithmetic, 10e-3)


def test_shares_by_class_and_by_operator() -> None:
    """Half of the peak for the class, a tenth for one operator of it, all of it for what is named nowhere."""
    device = replace(PLAIN, rates={"conv": Rates(compute=0.5), "aten.mkldnn_convolution": Rates(compute=0.1)})
    cost = Cost(madds=5_000_000, operators=1)
    assert isclose(time_of(Step(costed(cost), "float32"), device).arithmetic, 20e-3)
    special = costed(cost, target="aten.mkldnn_convolution.default")
    assert isclose(time_of(Step(special, "float32"), device).arithmetic, 100e-3)
    assert isclose(time_of(Step(costed(cost, kind="matmul"), "float32"), device).arithmetic, 10e-3)
    device = replace(device, rates={**device.rates, "default": Rates(compute=0.25)})
    assert isclose(time_of(Step(costed(cost, kind="matmul"), "float32"), device).arithmetic, 40e-3)


def test_narrow_groups_and_few_results_take_longer() -> None:
    """16 channels in 4 groups are 4 wide: at half width 4 twice the time. 64 results on 8 lanes at fill 8: twice."""
    shape = Contraction(c_in=16, c_out=16, positions_in=4, positions_out=4, groups=4, kernel=(1, 1))
    cost = Cost(madds=5_000_000, operators=1)
    narrow = replace(PLAIN, rates={"grouped-conv": Rates(width=4)})
    assert isclose(time_of(Step(costed(cost, "grouped-conv", shape), "float32"), narrow).arithmetic, 20e-3)
    empty = replace(PLAIN, rates={"grouped-conv": Rates(fill=8)})
    assert isclose(time_of(Step(costed(cost, "grouped-conv", shape), "float32"), empty).arithmetic, 20e-3)
    apart = replace(PLAIN, rates={"grouped-conv": Rates(per_group=1)})
    assert isclose(time_of(Step(costed(cost, "grouped-conv", shape), "float32"), apart).launch, 4e-5)


def test_cache_moves_what_fits_it() -> None:
    """Of 400 kB, 100 kB at 1 GB/s and 300 kB at 100 MB/s: 0.1 + 3 ms. 50 kB all at 1 GB/s."""
    device = replace(PLAIN, caches=(Cache(100_000, 1e9, BY_HAND),))
    large = costed(Cost(writes=100_000, mac_bytes=400_000, operators=1), "elementwise")
    assert isclose(time_of(Step(large, "float32"), device).memory, 3.1e-3)
    small = costed(Cost(writes=12_500, mac_bytes=50_000, operators=1), "elementwise")
    assert isclose(time_of(Step(small, "float32"), device).memory, 0.05e-3)


def test_what_is_written_in_place_takes_half_of_the_cache() -> None:
    """Of 200 kB moved, 100 kB are written where they were read: all of it fits 100 kB of cache, at 1 GB/s."""
    device = replace(PLAIN, caches=(Cache(100_000, 1e9, BY_HAND),))
    inplace = costed(Cost(writes=50_000, mac_bytes=200_000, operators=1), "elementwise")
    assert isclose(time_of(Step(inplace, "float32", again=100_000), device).memory, 0.2e-3)


def test_weights_come_from_where_all_of_them_fit() -> None:
    """50 kB of weights of a network that has 400 kB of them: a quarter of its weights stays in 100 kB of cache."""
    device = replace(PLAIN, caches=(Cache(100_000, 1e9, BY_HAND),))
    cost = Cost(reads_weight=12_500, mac_bytes=50_000, operators=1)
    alone = time_of(Step(costed(cost), "float32", weights=50_000), device)
    assert isclose(alone.memory, 0.05e-3)
    among_others = time_of(Step(costed(cost), "float32", weights=400_000), device)
    assert isclose(among_others.memory, 0.25 * 50_000 / 1e9 + 0.75 * 50_000 / 1e8)


def test_views_cost_where_the_device_says_so() -> None:
    device = replace(PLAIN, view=Figure(1e-6, BY_HAND))
    assert isclose(time_of(Step(costed(Cost(operators=1)), "float32", views=3), device).launch, 13e-6)


# --- whole models ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("execution", ["eager", "folded", "fused"])
@pytest.mark.parametrize("name", ["shufflenet_v2_x0_5", "googlenet"])
def test_times_are_exact_sums(name: str, execution: str) -> None:
    profile = zoo(name, execution, find("gtx-1080-ti"))
    timing = profile.timing
    assert timing is not None
    assert profile.predicted_ms is not None
    total = fsum(time.total for time in timing.times.values())
    assert isclose(profile.predicted_ms, 1000 * total, rel_tol=1e-12)
    assert isclose(total, fsum(spent.seconds for spent in timing.classes.values()), rel_tol=1e-12)
    assert isclose(total, fsum(spent.seconds for spent in timing.own.values()), rel_tol=1e-12)
    assert isclose(total, timing.layers[""].seconds, rel_tol=1e-12)
    assert len(timing.times) == len(profile.working)


def test_layer_has_what_is_inside_it() -> None:
    timing = zoo("shufflenet_v2_x0_5", "folded", find("t4")).timing
    assert timing is not None
    for path, spent in timing.layers.items():
        inside = [own.seconds for at, own in timing.own.items() if at == path or at.startswith(f"{path}.") or not path]
        assert isclose(spent.seconds, fsum(inside), rel_tol=1e-12)


def test_operator_in_anothers_kernel_is_not_launched() -> None:
    model = nn.Sequential(nn.Conv2d(8, 8, 3), nn.ReLU())
    folded, fused = (Profile(network_of(model, 1, 8, 16, 16), how, PLAIN).timing for how in ("folded", "fused"))
    assert folded is not None
    assert fused is not None
    assert [time.launch for time in folded.times.values()] == [1e-5, 1e-5]
    assert [time.launch for time in fused.times.values()] == [1e-5, 0]
    assert fused.total.seconds < folded.total.seconds


def test_without_a_device_there_are_no_times() -> None:
    profile = zoo("shufflenet_v2_x0_5", "folded", None)
    assert profile.timing is None
    assert profile.predicted_ms is None


def test_a_dtype_without_a_peak_is_told() -> None:
    network = network_of(nn.Linear(8, 8).bfloat16(), 4, 8, dtype=torch.bfloat16)
    timing = Profile(network, "folded", PLAIN).timing
    assert timing is not None
    assert "plain has no peak for bfloat16; that of float32 is used." in timing.notes()
    plain = Profile(network_of(nn.Linear(8, 8), 4, 8), "folded", PLAIN).timing
    assert plain is not None
    assert not any("no peak" in note for note in plain.notes())


def test_another_execution_than_the_fit_is_told() -> None:
    notes = {how: zoo("shufflenet_v2_x0_5", how, find("gtx-1080-ti")).timing for how in ("folded", "fused")}
    told = {how: [note for note in timing.notes() if "fitted" in note] for how, timing in notes.items() if timing}
    assert [len(told["folded"]), len(told["fused"])] == [1, 0]


# --- savings of findings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_first", [False, True])
def test_steps_of_a_recurrent_layer_wait_for_each_other(batch_first: bool) -> None:
    """Two layers in two directions over 7 elements are 4 · 7 steps, of which each cell's first is its launch."""
    x = torch.empty(3, 7, 4) if batch_first else torch.empty(7, 3, 4)
    model = nn.LSTM(4, 5, num_layers=2, bidirectional=True, batch_first=batch_first)

    def launched(per_step: float) -> float:
        device = replace(PLAIN, rates={"matmul": Rates(per_step=per_step)})
        ms = audit(model, x, device=device).totals.predicted_ms
        assert ms is not None
        return ms / (1000 * PLAIN.launch.value)

    cells = sum(operator.kind == "matmul" for operator in audit(model, x).operators)  # one operator, or one a cell
    assert isclose(launched(1) - launched(0), 4 * 7 - cells)


def test_saving_of_unequal_channels_by_hand() -> None:
    """A 1×1 convolution of 4 → 64 channels on 100 positions, memory-bound: 16 and 16 channels move less.

    hw(c1 + c2) + c1·c2: 100 · 68 + 256 = 7056 elements now, 100 · 32 + 256 = 3456 then, of 4 bytes, at 1 MB/s.
    """
    device = replace(PLAIN, bandwidth=Figure(1e6, BY_HAND))
    model = nn.Conv1d(4, 64, 1, bias=False)
    report = audit(model, torch.empty(1, 4, 100), device=device)
    (finding,) = (finding for finding in report.findings if finding.code == "G1")
    assert finding.saving.predicted_ms is not None
    assert isclose(finding.saving.predicted_ms, 1000 * (7056 - 3456) * 4 / 1e6)


def test_saving_of_merged_branches_by_hand() -> None:
    """Four 1×1 convolutions of one tensor as a single one: three launches and three reads of the tensor less."""

    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convs = nn.ModuleList(nn.Conv2d(8, 8, 1, bias=False) for _ in range(4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([conv(x) for conv in self.convs], 1)

    device = replace(PLAIN, bandwidth=Figure(1e6, BY_HAND))
    report = audit(Branches(), torch.empty(1, 8, 10, 10), device=device)
    (finding,) = (finding for finding in report.findings if finding.code == "G3")
    assert finding.saving.predicted_ms is not None
    assert isclose(finding.saving.predicted_ms, 1000 * (3 * 1e-5 + 3 * 800 * 4 / 1e6))


def test_saving_of_a_joined_operator_by_hand() -> None:
    """A ReLU in the kernel before it: its launch, its read and the write of what it reads; 800 comparisons stay."""

    class Thin(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(8, 8, 1, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x).relu()

    report = audit(Thin(), torch.empty(1, 8, 10, 10), device=replace(PLAIN, bandwidth=Figure(1e6, BY_HAND)))
    (finding,) = (finding for finding in report.findings if finding.code == "G4")
    assert finding.saving.predicted_ms is not None
    assert isclose(finding.saving.predicted_ms, 1000 * (1e-5 + 2 * 800 * 4 / 1e6 - 800 / 1e9))


# --- files -----------------------------------------------------------------------------------------------------------

WANTED = (
    *("gtx-1080-ti", "snapdragon-810", "v100", "t4", "a100", "h100", "h200", "l4", "rtx-4090", "jetson-agx-orin"),
    *("apple-m2", "apple-m2-gpu", "avx2-core", "avx512-core", "raspberry-pi-4"),
)


@pytest.mark.parametrize("name", WANTED)
def test_bundled_device_has_a_source_for_every_figure(name: str) -> None:
    device = find(name)
    assert device.name == name
    figures = [*device.peak.values(), device.bandwidth, device.launch, device.lanes, *device.caches]
    assert all(len(figure.source) > 3 for figure in figures)
    assert bool(device.like) != bool(device.fit)


def test_bundled_devices_are_these() -> None:
    assert set(bundled()) == set(WANTED)


@pytest.mark.parametrize("name", ["gtx-1080-ti", "snapdragon-810"])
def test_written_device_reads_the_same(name: str) -> None:
    device = find(name)
    assert parse(written(device), name) == device


TEXT = """
name = "mine"
title = "My machine"
kind = "cpu"
bandwidth = { value = 1e10, source = "measured" }
launch = { value = 1e-6, source = "measured" }
lanes = { value = 8, source = "data sheet" }

[peak]
float32 = { value = 1e11, source = "data sheet" }

[rates.conv]
compute = 0.5
"""


def test_users_own_file_is_used_by_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TEXT, encoding="utf-8")
    device = find(str(path))
    assert (device.title, device.rates["conv"].compute, device.error) == ("My machine", 0.5, None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1e10", '"fast"', r"mine\.bandwidth\.value should be float"),
        ("value = 1e10, ", "", r"mine\.bandwidth lacks the key 'value'"),
        ('{ value = 8, source = "data sheet" }', "{ value = 8 }", r"mine\.lanes lacks the key 'source'"),
        ("1e10", "0", r"mine\.bandwidth\.value is 0; it must be above zero"),
        ("1e-6", "-1", r"mine\.launch\.value is -1; it must not be negative"),
        ("float32", "float16", r"mine has no peak\.float32"),
        ("rates.conv", "rates.convv", r"mine\.rates\.convv is no class of operator\. Did you mean conv\?"),
        ("compute = 0.5", "compute = 0", r"mine\.rates\.conv\.compute is 0"),
        ("compute = 0.5", "compute = nan", r"mine\.rates\.conv\.compute should be .* but is nan"),
        ("compute", "computing", r"mine\.rates\.conv has an unknown key 'computing'"),
        ('kind = "cpu"', 'kind = "tpu"', r"mine\.kind should be 'cpu' or 'gpu'"),
        ('kind = "cpu"', 'kind = "cpu"\nlike = "v10"', r"mine is like 'v10'.* Did you mean v100\?"),
        ('kind = "cpu"', 'kind = "cpu"\nlike = "v100"', r"mine has rates of its own and is like v100"),
        ("[peak]", "[peak", r"mine is not TOML"),
    ],
)
def test_wrong_file_names_the_place(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(MacAuditError, match=message):
        parse(TEXT.replace(old, new), "mine")


def test_unknown_device_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MAC_AUDIT_HOME", str(tmp_path))
    with pytest.raises(MacAuditError, match=r"no device 'gtx-1080'.*Did you mean gtx-1080-ti\?"):
        find("gtx-1080")
    with pytest.raises(MacAuditError, match=r"nothere\.toml cannot be read"):
        find("nothere.toml")
    with pytest.raises(MacAuditError, match="mac-audit calibrate"):
        find("auto")


def test_auto_is_the_device_calibrated_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MAC_AUDIT_HOME", str(tmp_path))
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "mine.toml").write_text(TEXT, encoding="utf-8")
    assert find("auto") == find("mine") == parse(TEXT, "mine")


# --- the command line ------------------------------------------------------------------------------------------------


def test_devices_are_listed_and_shown() -> None:
    listed = CliRunner().invoke(main, ["devices"]).output
    assert all(name in listed for name in WANTED)
    shown = CliRunner().invoke(main, ["devices", "gtx-1080-ti"]).output
    assert all(text in shown for text in ("3584 cores", "484 GB/s", "Tables 1 to 4", "held out"))


def test_devices_needs_no_torch() -> None:
    program = "import sys; sys.modules['torch'] = None\nfrom mac_audit.cli import main\nmain(['devices', 'h100'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [["--device", "h10"], ["--sort", "time"]])
def test_wrong_use_is_told(arguments: list[str]) -> None:
    done = CliRunner().invoke(main, ["zoo:shufflenet_v2_x0_5", *arguments])
    assert done.exit_code == 2
    assert "h100" in done.output or "--device" in done.output


def test_table_shows_times_only_for_a_device() -> None:
    without = CliRunner().invoke(main, ["zoo:shufflenet_v2_x0_5"]).output
    assert "time" not in without.replace("runtime", "")
    with_device = CliRunner().invoke(main, ["zoo:shufflenet_v2_x0_5", "--device", "t4", "--sort", "time"]).output
    assert all(text in with_device for text in ("predicted time", "on t4", "of time", "expect the order"))

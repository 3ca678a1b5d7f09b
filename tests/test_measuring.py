"""What measures: clocks, the store of times, calibration, measurement, proof and experiment. No test asserts a time."""

from __future__ import annotations

from dataclasses import replace
from math import isclose
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mac_audit import _torch as private
from mac_audit.api import audit
from mac_audit.capture import capture
from mac_audit.cli import main
from mac_audit.device import Cache, Device, Figure, Rates, time_of
from mac_audit.device_file import find, parse, written
from mac_audit.errors import MacAuditError
from mac_audit.evidence import nearest
from mac_audit.experiments import run as experiments
from mac_audit.experiments.kept import evidence_on, keep
from mac_audit.experiments.outcome import Experiment, Guideline, Point, Scan
from mac_audit.lower import lower
from mac_audit.measuring import calibrate, joining, measure, prove
from mac_audit.measuring.running import inference, running
from mac_audit.measuring.stopwatch import Sample, difference, interleaved
from mac_audit.measuring.store import Timings, signature
from mac_audit.measuring.workloads import Workload, workloads
from mac_audit.network import Network
from mac_audit.profile import Profile
from mac_audit.report import Report
from mac_audit.reporters.problems import told
from mac_audit.reporters.proof import render as render_proof
from mac_audit.rule import discover


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nothing of the user's is read or written."""
    monkeypatch.setenv("MAC_AUDIT_HOME", str(tmp_path))
    return tmp_path


class Two(nn.Module):
    """Two convolutions with one weight, an activation in place, and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.second.weight = self.first.weight
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.norm(self.second(self.first(x).relu_()))
        return y


def network_of(model: nn.Module, *shape: int) -> Network:
    with torch.no_grad():
        return lower(capture(model.eval(), torch.empty(shape, device="meta")))


# --- clocks ----------------------------------------------------------------------------------------------------------


def test_a_sample_is_its_median_and_quartiles() -> None:
    """Quartiles of 1 to 5 are 2 and 4: half of their distance is 1, a third of the median."""
    sample = Sample((5.0, 1.0, 3.0, 2.0, 4.0))
    assert sample.seconds == 3
    assert isclose(sample.spread, 1 / 3)
    assert Sample((2.0,)).spread == 0


def test_work_is_done_in_turn() -> None:
    order: list[str] = []

    def work(name: str) -> Any:
        def run() -> None:
            order.append(name)
            sum(range(200_000))  # long enough not to be repeated within a round

        return run

    found = interleaved({"a": work("a"), "b": work("b")}, rounds=3)
    assert [len(sample.rounds) for sample in found.values()] == [3, 3]
    rounds = order[order.index("b") :]
    first, last = rounds.index("a"), len(rounds) - rounds[::-1].index("a")
    assert "b" in rounds[first:last]


def test_interval_of_a_difference() -> None:
    """A difference that is always 1 has no width; one that is as often below as above zero holds zero."""
    left, right = Sample(tuple(map(float, range(2, 42)))), Sample(tuple(map(float, range(1, 41))))
    assert difference(left, right) == (1.0, 1.0)
    low, high = difference(Sample((1.0, 3.0) * 20), Sample((2.0, 2.0) * 20))
    assert low < 0 < high


# --- models that run -------------------------------------------------------------------------------------------------


def test_a_model_runs_with_random_weights_and_keeps_what_is_shared() -> None:
    with torch.device("meta"):
        model = Two()
    with inference(1):
        work = running(model, torch.empty(2, 4, 8, 8, device="meta"))
        out = work()
        again = torch.fx.Interpreter(work.graph).run(*work.inputs.tensors)
    assert model.first.weight is model.second.weight
    assert all(not tensor.is_meta for tensor in (*model.parameters(), *model.buffers()))
    assert out.isfinite().all()
    assert 0.1 < float(out.std()) < 10
    assert torch.equal(out, again)


def test_every_operator_is_timed_under_its_name() -> None:
    with inference(1):
        work = running(Two(), torch.empty(1, 4, 8, 8, device="meta"))
        found = work.operator_seconds(rounds=2)
    assert list(found) == [operator.name for operator in work.network.operators]
    assert all(seconds > 0 for seconds in found.values())


def test_settings_of_torch_are_put_back() -> None:
    before = torch.get_num_threads()
    with inference(before + 1):
        assert torch.get_num_threads() == before + 1
        assert not torch.is_grad_enabled()
    assert torch.get_num_threads() == before
    assert torch.is_grad_enabled()


# --- the store -------------------------------------------------------------------------------------------------------


def test_times_are_kept_by_device_and_version(tmp_path: Path) -> None:
    path = tmp_path / "times.sqlite"
    store = Timings("mine", "2.13", path)
    store.add([("a", "an operator", 1.5, 0.1), ("b", "another", 2.5, 0.2)])
    store.add([("a", "an operator", 1.25, 0.1)])
    store.close()
    again = Timings("mine", "2.13", path)
    assert again.get(["a", "b", "c"]) == {"a": (1.25, 0.1), "b": (2.5, 0.2)}
    assert Timings("mine", "2.14", path).get(["a"]) == Timings("yours", "2.13", path).get(["a"]) == {}
    again.forget()
    assert again.get(["a", "b"]) == {}


def test_the_same_layer_in_another_model_has_the_same_signature() -> None:
    small = network_of(nn.Sequential(nn.Conv2d(4, 8, 3)), 1, 4, 8, 8)
    large = network_of(nn.Sequential(nn.Identity(), nn.ReLU(), nn.Conv2d(4, 8, 3), nn.ReLU()), 1, 4, 8, 8)

    def of_convolution(network: Network) -> str:
        return next(signature(op, network) for op in network.operators if "convolution" in op.target)

    assert of_convolution(small) == of_convolution(large)
    others = (
        network_of(nn.Conv2d(4, 8, 3, stride=2), 1, 4, 8, 8),
        network_of(nn.Conv2d(4, 8, 3, bias=False), 1, 4, 8, 8),
        network_of(nn.Conv2d(4, 8, 3), 2, 4, 8, 8),
        network_of(nn.Conv2d(4, 8, 3, groups=2), 1, 4, 8, 8),
    )
    assert len({of_convolution(network) for network in (small, *others)}) == 5


def test_measured_operators_take_precedence_and_are_told() -> None:
    network = network_of(nn.Sequential(nn.Conv2d(4, 8, 3), nn.ReLU()), 1, 4, 8, 8)
    store = Timings("avx2-core", calibrate.torch_version())
    convolution = next(op for op in network.operators if "convolution" in op.target)
    store.add([(signature(convolution, network), "", 0.25, 0.0)])
    device = find("avx2-core")
    timing = Profile(network, "eager", device, store.measured).timing
    assert timing is not None
    assert timing.times[convolution.name].total == 0.25
    assert "times of 1 of 2 operators were measured here, the others predicted." in timing.notes()
    between = replace(device, between=Figure(0.5, "by hand"))
    timing = Profile(network, "eager", between, store.measured).timing
    assert timing is not None
    assert timing.times[convolution.name].total == 0.75


# --- calibration -----------------------------------------------------------------------------------------------------


def test_workloads_are_of_every_class() -> None:
    found = workloads()
    assert len({workload.name for workload in found}) == len(found)
    kinds: set[str] = set()
    for workload in found[::3]:
        kinds |= Profile(network_of(workload.build(), *workload.shape), "eager").classes.keys()
    assert {*calibrate.CONTRACTIONS, "pool", "norm", "elementwise", "data-movement", "reduction"} <= kinds


FEW = (
    Workload("linear", lambda: nn.Linear(8, 8), (1, 8)),
    Workload("relu", nn.ReLU, (1, 8)),
)


def test_calibration_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "workloads", lambda: FEW)
    timed: list[str] = []
    interrupted: list[bool] = []
    original = calibrate.in_turn

    def counted(works: Any) -> dict[str, float]:
        timed.extend(works)
        if len(timed) == 6 and not interrupted:
            interrupted.append(True)
            raise InterruptedError
        return original(works)

    monkeypatch.setattr(calibrate, "in_turn", counted)
    machine, store = calibrate.machine("cpu", 1), Timings("mine", "2.13")
    with pytest.raises(InterruptedError):
        calibrate.measure(machine, store, lambda *_: None, quick=True)
    found = calibrate.measure(machine, store, lambda *_: None, quick=True)
    assert len(timed) == 2 * calibrate.QUICK + 2  # the round that was interrupted is the only one done twice
    assert [item.name for item in found] == ["linear", "relu"]


TRUTH = Device(
    name="made up",
    title="A machine whose times are known",
    kind="cpu",
    peak={"float32": Figure(1e11, "by hand")},
    bandwidth=Figure(1e10, "by hand"),
    launch=Figure(5e-6, "by hand"),
    lanes=Figure(32, "by hand"),
    caches=(Cache(2**20, 4e10, "by hand"),),
    view=Figure(1e-6, "by hand"),
    rates={
        **{kind: Rates(compute=0.6, memory=0.5, width=3, launch=2, overlap=0.5) for kind in calibrate.CONTRACTIONS},
        **{kind: Rates(compute=0.05, memory=0.7, overlap=0) for kind in calibrate.OTHERS},
    },
)


def test_calibration_finds_a_machine_that_it_has_the_form_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times made by the model itself are explained to a few percent, also those that were left out of the fit."""

    def made(workload: Workload) -> calibrate.Measured:
        network = network_of(workload.build(), *workload.shape)
        steps = calibrate.steps_of(Profile(network, "eager").operators, network)
        seconds = sum(time_of(step, TRUTH).total for step in steps)
        return calibrate.Measured(workload.name, seconds, 0.01, 1e-6, steps, workload.deep)

    monkeypatch.setattr(calibrate, "FOLDS", 2)
    found = [made(workload) for workload in workloads()[::7]]
    device = calibrate.device_of(calibrate.machine("cpu", 1), found, TRUTH.caches, TRUTH.bandwidth, name="again")
    assert device.fit is not None
    assert device.fit.error < 0.03
    assert device.fit.held_out < 0.1
    assert parse(written(device), "again").fit == device.fit
    assert not calibrate.too_noisy(found)


def test_networks_that_take_longer_than_their_parts_make_all_times_longer() -> None:
    """Twice the factor is twice the time, of every operator."""
    steps = Profile(network_of(Two(), 1, 4, 8, 8), "eager").operators
    network = network_of(Two(), 1, 4, 8, 8)
    slower = calibrate._slower(TRUTH, 2.0)
    for step in calibrate.steps_of(steps, network):
        assert isclose(time_of(step, slower).total, 2 * time_of(step, TRUTH).total)


def test_a_noisy_measurement_is_named() -> None:
    quiet = calibrate.Measured("quiet", 1.0, 0.01, 0.0, ())
    assert calibrate.too_noisy([quiet, replace(quiet, name="noisy", spread=0.5)]) == ["noisy"]


def test_a_device_says_that_its_machine_was_too_busy() -> None:
    """A fifth of the workloads may be noisy."""
    quiet = calibrate.Measured("quiet", 1.0, 0.01, 0.0, ())
    noisy = replace(quiet, spread=0.5)
    assert calibrate._counted([quiet] * 4 + [noisy]) == "5 workloads"
    told = "5 workloads on a machine too busy to trust (2 of them too noisy),"
    assert calibrate._counted([quiet] * 3 + [noisy] * 2) == told


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without a GPU")
def test_a_gpu_that_is_not_there_is_told() -> None:
    with pytest.raises(MacAuditError, match="torch sees no CUDA GPU"):
        calibrate.machine("cuda", 1)


# --- measurement -----------------------------------------------------------------------------------------------------


@pytest.fixture
def here(home: Path) -> Device:
    """A device that passes for this machine calibrated."""
    fit = calibrate.Fit(f"nothing, with torch {calibrate.torch_version()}", "eager", 0.1, 0.1)
    device = replace(TRUTH, name="here", threads=1, fit=fit)
    (home / "devices").mkdir()
    (home / "devices" / "here.toml").write_text(written(device), encoding="utf-8")
    return device


def test_a_measurement_has_every_operator_and_keeps_it(here: Device) -> None:
    store = measure.store_of(here)
    found = measure.measure(Two(), torch.empty(1, 4, 8, 8, device="meta"), here, "two", 3, store)
    assert [row.name for row in found.rows] == ["convolution", "relu_", "convolution", "native_batch_norm"]
    predicted = sum(row.predicted for row in found.rows)
    assert isclose(predicted, found.calibrated.total.ms, rel_tol=1e-9)
    assert isclose(sum(row.measured for row in found.rows), found.replayed.total.ms, rel_tol=1e-9)
    network = network_of(Two(), 1, 4, 8, 8)
    profile = Profile(network, "eager")
    assert len(store.measured(profile.working, network)) == len(profile.working)


def test_measure_prints_both_sides(here: Device) -> None:
    done = CliRunner().invoke(main, ["measure", "zoo:shufflenet_v2_x0_5", "--input", "1,3,32,32", "--rounds", "3"])
    assert done.exit_code == 0, done.output
    assert all(text in done.output for text in ("on here", "from calibration", "operators measured", "pointwise-conv"))


def test_models_are_measured_as_pytorch_runs_them(here: Device) -> None:
    done = CliRunner().invoke(main, ["measure", "zoo:shufflenet_v2_x0_5", "--execution", "fused"])
    assert done.exit_code == 2
    assert "as PyTorch runs them, not as fused" in done.output


def test_a_device_that_is_not_this_machine_is_refused() -> None:
    with pytest.raises(MacAuditError, match=r"t4 was not calibrated here.*mac-audit calibrate"):
        measure.backend_of(find("t4"))


# --- proof -----------------------------------------------------------------------------------------------------------


def multiply_adds(work: Any) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        work()
    return counter.get_total_flops() // 2


@pytest.mark.parametrize(("target", "code"), [("mobilenet_v2_x1_0", "G1"), ("shufflenet_v1_g3_x1_0", "G2")])
def test_both_sides_have_the_same_multiply_adds(target: str, code: str) -> None:
    """What runs, as torch counts it: now as the model has it, then within what whole channels allow."""
    from mac_audit.request import Request

    profile = prove.profile_of(Request(f"zoo:{target}"), None)
    finding = next(found for found in prove.findings(profile, discover()) if found.code == code)
    sides = (finding.violation.now, finding.violation.then)
    now, then = (multiply_adds(prove._all(side, profile.network, "cpu")) for side in sides)
    assert now == sum(costed.cost.madds for costed in finding.violation.now)
    assert then == pytest.approx(now, rel=0.05)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_timed_has_the_dtype_of_the_model(dtype: torch.dtype) -> None:
    """A convolution and a linear layer, as they are and would be; results say in what they were computed."""

    def dtypes(model: nn.Module, *shape: int) -> set[torch.dtype]:
        with torch.no_grad():
            network = lower(capture(model.to(dtype).eval(), torch.empty(shape, dtype=dtype, device="meta")))
        profile = Profile(network)
        found = [finding.violation for finding in prove.findings(profile, discover()) if finding.code == "G1"]
        calls = [
            prove._call(costed, network, "cpu", {})() for one in found for costed in (*one.now, *prove._instead(one)[0])
        ]
        return {call.dtype for call in calls if isinstance(call, torch.Tensor)}

    assert dtypes(nn.Sequential(nn.Conv2d(8, 64, 1), nn.Conv2d(64, 8, 1)), 1, 8, 6, 6) == {dtype}
    assert dtypes(nn.Sequential(nn.Linear(8, 64), nn.Linear(64, 8)), 1, 6, 8) == {dtype}


def test_a_machine_that_is_too_busy_proves_nothing() -> None:
    """Half of the rounds take four times as long as the others; all of them save."""
    profile = Profile(network_of(nn.Sequential(nn.Conv2d(8, 64, 1), nn.Conv2d(64, 8, 1)), 1, 8, 6, 6))
    finding = prove.findings(profile, discover())[0]
    quiet, busy = Sample((1.0, 1.01, 0.99, 1.0)), Sample((2.0, 8.0, 2.0, 8.0))
    for now, verdict in ((Sample((2.0, 2.01, 1.99, 2.0)), "proven"), (busy, "not proven")):
        proof = prove.Proof(finding, now, quiet, 0.9, 1.1, None, "")
        assert proof.verdict == verdict
        assert ("too busy" in render_proof(proof, "two", 1, 1, None)) is (now is busy)


def test_branches_become_one_layer_that_gives_the_same_results_side_by_side() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convs = nn.ModuleList(nn.Conv2d(8, 8, 1, bias=False) for _ in range(4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([conv(x) for conv in self.convs], 1)

    profile = Profile(network_of(Branches(), 1, 8, 10, 10))
    (finding,) = (found for found in prove.findings(profile, discover()) if found.code == "G3")
    then, remark = prove._instead(finding.violation)
    assert remark == ""
    (merged,) = then
    assert merged.contraction is not None
    assert (merged.contraction.c_in, merged.contraction.c_out) == (8, 32)
    now, instead = (prove._all(side, profile.network, "cpu") for side in (finding.violation.now, then))
    assert multiply_adds(now) == multiply_adds(instead) == 4 * 100 * 64


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(1.0, 2.0, "proven"), (-1.0, 2.0, "not proven"), (-2.0, -1.0, "disproven")]
)
def test_the_verdict_is_the_interval_s(low: float, high: float, verdict: str) -> None:
    sample = Sample((1.0, 2.0, 3.0))
    proof = prove.Proof(Any, sample, sample, low, high, None, "")  # type: ignore[arg-type]
    assert proof.verdict == verdict


def test_an_upper_bound_proves_no_saving() -> None:
    sample = Sample((1.0, 2.0, 3.0))
    spans = [(1.0, 2.0), (-1.0, 2.0), (-2.0, -1.0)]
    verdicts = [prove.Proof(Any, sample, sample, low, high, None, "", bound=True).verdict for low, high in spans]  # type: ignore[arg-type]
    assert verdicts == ["not proven", "not proven", "disproven"]


class Residual(nn.Module):
    """A convolution, whose result an addition reads through nothing, and then an activation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.conv(x) + x).relu_()


def elementwise(model: nn.Module, *shape: int) -> tuple[Profile, list[prove.Finding]]:
    profile = Profile(network_of(model, *shape))
    return profile, [found for found in prove.findings(profile, discover()) if found.code == "G4"]


@pytest.mark.skipif(not private.compiles_cpp(), reason="torch.compile needs a C++ compiler")
def test_an_operator_compiled_into_its_producer_gives_the_same_results() -> None:
    """Now it runs after its compiled producer, then in its kernel; both as the plain operators have it."""
    profile, found = elementwise(Residual(), 1, 8, 12, 12)
    assert [finding.violation.message.split()[0] for finding in found] == ["add", "relu"]
    for finding in found:
        with inference(1):
            torch.manual_seed(0)
            works, said = joining.sides(profile, finding.violation.now[0], "cpu")
            assert works is not None, said
            now, then = works["now"](), works["then"]()
        assert "by torch.compile" in said
        torch.testing.assert_close(now, then)


def test_without_a_compiler_the_upper_bound_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "compiles_cpp", lambda: False)
    profile, (finding, *_) = elementwise(Residual(), 1, 8, 12, 12)
    proof = prove.prove(finding, profile, None)
    assert proof.bound
    assert proof.verdict != "proven"
    assert "at most: left out altogether, for torch.compile finds no C++ compiler here; install g++" in proof.remark
    asked = CliRunner().invoke(main, ["experiment", "g1", "--compile"])
    assert asked.exit_code == 2
    assert "no C++ compiler here; install g++" in asked.output


def test_budgets_that_nobody_set_are_left_out() -> None:
    """They need a limit, and have no layers to try."""
    profile = Profile(network_of(Two(), 1, 4, 8, 8))
    assert any(rule.lacks(()) for rule in discover())
    assert {finding.code for finding in prove.findings(profile, discover())} <= {"G1", "G2", "G3", "G4"}


def test_prove_says_what_it_found(here: Device) -> None:
    done = CliRunner().invoke(main, ["prove", "zoo:shufflenet_v1_g3_x0_5", "--input", "1,3,64,64", "--finding", "2"])
    assert done.exit_code == 0, done.output
    assert all(
        text in done.output for text in ("finding 2 of", "predicted to save", "measured to save", "on this device")
    )
    listed = CliRunner().invoke(main, ["prove", "zoo:shufflenet_v1_g3_x0_5", "--input", "1,3,64,64", "--list"])
    assert [line.split()[:2] for line in listed.output.splitlines()[1:3]] == [["1", "G2"], ["2", "G2"]]
    apart = CliRunner().invoke(main, ["prove", "zoo:shufflenet_v1_g3_x0_5", "--threads", "2"])
    assert apart.exit_code == 2
    assert "here was calibrated with 1 threads; give --threads 1" in apart.output
    none = CliRunner().invoke(main, ["prove", "zoo:shufflenet_v2_x1_0"])
    assert none.exit_code == 2
    assert "no finding that can be tried" in none.output


# --- experiments -----------------------------------------------------------------------------------------------------


def experiment(*speeds: float) -> Experiment:
    """Each speed but the first is known to within 5 % of itself."""
    points = tuple(
        Point(
            *(str(i), 100 * (i + 1), speed, (speed * 0.95, speed * 1.05) if i else (1, 1)),
            *({"gpu": 1 - 0.1 * i, "arm": 1 - 0.05 * i}, 2.0**i),
        )
        for i, speed in enumerate(speeds)
    )
    return Experiment("g1", 1, "here", "2.13", "float32", False, "2026-01-02", (Scan(64, points),))


def test_a_guideline_holds_where_breaking_it_costs_more_than_chance() -> None:
    """Half of the speed is twice the time: +100 %. Of 2 % that may be 5 % more or less nothing is certain."""
    slower = experiment(1.0, 0.8, 0.5)
    assert (slower.verdict, slower.cost, slower.order) == ("holds", 1.0, 1.0)
    assert slower.agreement == {"gpu": 1.0, "arm": 1.0}
    assert experiment(1.0, 1.0, 0.98).verdict == "does not show"
    assert experiment(1.0, 1.2, 1.5).verdict == "is reversed"


@pytest.mark.parametrize(
    ("guideline", "first", "last"),
    [
        ("g1", "1:1", "1:12"),
        ("g2", "1 group", "8 groups"),
        ("g3", "1 fragment", "4 parallel"),
        ("g4", "neither", "relu and shortcut"),
    ],
)
def test_rows_go_from_what_follows_a_guideline_to_what_breaks_it(
    monkeypatch: pytest.MonkeyPatch, guideline: Guideline, first: str, last: str
) -> None:
    def clock(works: dict[str, Any], rounds: int) -> dict[str, Sample]:
        return {name: Sample((float(place + 1),) * 3) for place, name in enumerate(works)}

    monkeypatch.setattr(experiments, "interleaved", clock)
    found = experiments.run(guideline, "cpu")
    for scan in found.scans:
        assert (scan.points[0].label, scan.points[-1].label) == (first, last)
        assert [point.here for point in scan.points] == pytest.approx([1 / (i + 1) for i in range(len(scan.points))])
        assert scan.points[0].paper == {"gpu": 1, "arm": 1}
        assert scan.points[-1].paper["gpu"] < 1
    assert guideline.upper() in "\n".join(experiments.lines(found))
    assert Experiment.from_json(found.to_json(), "again") == found


def test_where_nothing_can_be_kept_nothing_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("MAC_AUDIT_HOME", str(tmp_path / "file"))
    done = CliRunner().invoke(main, ["experiment", "g4"])
    assert done.exit_code == 2
    assert "Experiments cannot be kept in" in done.output
    assert "set MAC_AUDIT_HOME" in done.output


def test_an_experiment_is_kept_and_cited_by_findings_on_its_device(here: Device, home: Path) -> None:
    """1:4 is the nearest to 1:5, and half as fast; a compiled run is cited where kernels are fused, before others."""
    keep(experiment(1.0, 0.8, 0.5))
    keep(replace(experiment(1.0, 0.8, 0.25), compiled=True))
    keep(replace(experiment(1.0, 0.8, 0.1), torch="2.12", date="2025-12-31"))  # an older one
    model = nn.Sequential(nn.Conv2d(24, 120, 1), nn.Conv2d(120, 24, 1))
    for execution, longer, how in (("folded", 1.0, "torch 2.13"), ("fused", 3.0, "torch 2.13, compiled")):
        report = audit(model, torch.empty(1, 24, 20, 20), device="here", execution=execution)
        cited = [finding.evidence for finding in report.findings if finding.code == "G1"]
        assert [evidence.longer for evidence in cited if evidence] == [longer, longer]
        assert cited[0] is not None
        assert cited[0].what == "widths 1:4"
        assert cited[0].within == pytest.approx(((1 + longer) / 1.05 - 1, (1 + longer) / 0.95 - 1))
        assert cited[0].source == f"experiment g1 of 2026-01-02, float32, {how}"
        assert Report.from_json(report.to_json()) == report
    even = audit(model, torch.empty(1, 24, 20, 20), device="avx2-core")
    assert all(finding.evidence is None for finding in even.findings)  # nothing was measured there
    (home / "experiments" / "here" / "g1-float32-torch-2.13.json").write_text("{}", encoding="utf-8")
    with pytest.raises(MacAuditError, match=r"g1-float32-torch-2\.13\.json has no schema_version"):
        audit(model, torch.empty(1, 24, 20, 20), device="here")


def test_a_finding_on_a_device_of_the_paper_cites_its_table() -> None:
    """Table 1, Snapdragon 810, 128 channels: 5.3 images a second at equal widths and 4.4 at 1:12, 20.5 % longer."""
    model = nn.Sequential(nn.Conv2d(400, 40, 1), nn.Conv2d(40, 400, 1))
    report = audit(model, torch.empty(1, 400, 56, 56), device="snapdragon-810", select=["G1"])
    for finding in report.findings:
        assert finding.evidence is not None
        assert (finding.evidence.width, finding.evidence.what) == (128, "widths 1:12")
        assert finding.evidence.longer == pytest.approx(5.3 / 4.4 - 1)
        assert told([finding])[-1] == (
            "measured widths 1:12 took 20.5 % more time than equal widths at the same multiply-adds, on snapdragon-810"
            " (Ma et al. 2018, Table 1, 128 channels)"
        )


def test_the_nearest_network_may_be_the_one_that_follows_the_guideline() -> None:
    known = evidence_on(find("snapdragon-810"))
    assert {evidence.code for evidence in known} == {"G1", "G2", "G3", "G4"}
    assert nearest(known, "G1", 1.2, 64, "float32", compiled=False) is None
    two = nearest(known, "G1", 1.5, 64, "float32", compiled=False)
    assert two is not None
    assert (two.amount, two.width) == (2, 64)
    maps = nearest(known, "G4", 2, 100, "float32", compiled=False)
    assert maps is not None
    assert maps.what == "shortcuts around bottlenecks"


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_a_plot_is_a_picture(tmp_path: Path, suffix: str) -> None:
    from mac_audit.experiments.plot import draw

    path = tmp_path / f"plot.{suffix}"
    draw([experiment(1.0, 0.8), experiment(1.0, 0.7)], path)
    if suffix == "png":
        from PIL import Image

        with Image.open(path) as image:
            assert image.size[0] > 2 * image.size[1]
    else:
        text = path.read_text(encoding="utf-8")
        assert text.count('id="axes_') == 2

"""Budgets: how they are written, what they are held against, and what is said where one is exceeded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from torch import nn

import mac_audit
from mac_audit.cli import main
from mac_audit.errors import MacAuditError
from mac_audit.units import amount, quantity

# Convolution of 3 to 8 channels, 3×3 and padded, on 10×10; then a linear layer of 800 to 10.
PARAMS = 8 * 3 * 9 + 8 + 800 * 10 + 10
MADDS = 100 * 8 * 3 * 9 + 800 * 10
ACCESS = (300 + 800 + 8 * 27 + 8) + (800 + 10 + 8000 + 10)
PEAK = 300 + 800  # the input and the map
MODEL = """\
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.fc = nn.Linear(800, 10)

    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))
"""


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net_of_budgets.py").write_text(MODEL)
    return "net_of_budgets.py"


def run(model: str, *budgets: str, output: str = "json") -> Result:
    options = [part for budget in budgets for part in ("--budget", budget)]
    return CliRunner().invoke(main, [model, "--input", "1,3,10,10", "--select", "B", "-o", output, *options])


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("300 M", 300e6, "count"),
        ("300M", 300e6, "count"),
        ("1.2 G", 1.2e9, "count"),
        ("4k", 4000, "count"),
        ("5_000_000", 5e6, "count"),
        (1500, 1500, "count"),
        ("1.5e3", 1500, "count"),
        ("25 MB", 25e6, "bytes"),
        ("16 MiB", 16 * 2**20, "bytes"),
        ("8 kB", 8000, "bytes"),
        ("8 ms", 0.008, "seconds"),
        ("250 µs", 250e-6, "seconds"),
        ("2 s", 2, "seconds"),
    ],
)
def test_quantities(text: str, number: float, unit: str) -> None:
    found = quantity(text, "here")
    assert found.number == pytest.approx(number)
    assert found.unit == unit


@pytest.mark.parametrize("text", ["", "M", "300 X", "-5 M", "5 MB/s", "1,5 M", "five", True, None, [1]])
def test_what_is_no_quantity_is_told(text: object) -> None:
    with pytest.raises(MacAuditError, match=r"here.*25 MB"):
        quantity(text, "here")  # type: ignore[arg-type]


def test_amounts_are_read_as_they_are_written() -> None:
    assert [amount(seconds, "seconds") for seconds in (2, 0.00812, 0.00025)] == ["2.00 s", "8.12 ms", "250 µs"]
    assert amount(25_000_000, "bytes") == "25.0 MB"
    assert amount(0.05, "ratio") == "0.050"


@pytest.mark.parametrize(
    ("budget", "code", "value", "unit"),
    [
        ("params", "B1", PARAMS, "count"),
        ("madds", "B2", MADDS, "count"),
        ("mac", "B3", ACCESS, "count"),
        ("mac", "B3", ACCESS * 4, "bytes"),
        ("memory", "B4", PEAK * 4, "bytes"),
    ],
)
def test_held_against_the_value(model: str, budget: str, code: str, value: int, unit: str) -> None:
    """At its value a budget is kept; one less is exceeded."""
    suffix = "B" if unit == "bytes" else ""
    kept, exceeded = run(model, f"{budget}={value}{suffix}"), run(model, f"{budget}={value - 1}{suffix}")
    assert (kept.exit_code, exceeded.exit_code) == (0, 1), kept.output + exceeded.output
    (rule,) = json.loads(kept.stdout)["rules"]
    assert (rule["code"], rule["verdict"], rule["value"], rule["unit"]) == (code, "pass", value, unit)
    (finding,) = json.loads(exceeded.stdout)["findings"]
    assert (finding["code"], finding["layer"], finding["value"], finding["limit"]) == (code, "", value, value - 1)


def test_finding_says_by_how_much_and_where(model: str) -> None:
    (finding,) = json.loads(run(model, "params=5 K").stdout)["findings"]
    assert "8.23 K" in finding["message"]
    assert "exceeds the budget of 5.00 K by 3.23 K" in finding["message"]  # 8234 − 5000
    assert finding["instead"].index("fc 8.01 K (97.3 %)") < finding["instead"].index("conv 224 (2.7 %)")
    assert finding["counterfactual"]["worst"] == {"fc": 8010, "conv": 224}


def test_memory_names_whose_results_are_there(model: str) -> None:
    (finding,) = json.loads(run(model, "memory=1 KB").stdout)["findings"]
    assert "conv 3.20 KB (72.7 %), the input 1.20 KB (27.3 %)" in finding["instead"]
    assert finding["counterfactual"]["worst"] == {"conv": 3200, "the input": 1200}


def test_table_has_units(model: str) -> None:
    table = run(model, "memory=1 KB", output="table").stdout
    assert "4.40 KB" in table
    assert "> 1.00 KB" in table


def test_without_a_budget_there_is_no_rule(model: str) -> None:
    result = CliRunner().invoke(main, [model, "--input", "1,3,10,10", "-o", "json"])
    assert [rule["code"] for rule in json.loads(result.stdout)["rules"]] == ["G1", "G2", "G3", "G4"]
    report = mac_audit.audit(nn.Linear(2, 2), torch.empty(1, 2))
    assert [rule.code for rule in report.rules] == ["G1", "G2", "G3", "G4"]


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ("parms=5 M", "Did you mean params"),
        ("latency=5 MB", "should be in seconds, such as '8 ms'"),
        ("params=5 MB", "should be in count, such as '300 M'"),
        ("memory=5 M", "should be in bytes, such as '25 MB'"),
        ("mac=5 ms", "should be in count, such as '300 M' or bytes, such as '25 MB'"),
        ("params=five", "is no quantity"),
        ("params", "NAME=LIMIT"),
    ],
)
def test_wrong_budgets_are_told(model: str, budget: str, message: str) -> None:
    result = run(model, budget)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "--budget" in result.stderr


def test_a_budget_that_is_selected_has_to_be_given(model: str) -> None:
    result = CliRunner().invoke(main, [model, "--input", "1,3,10,10", "--select", "B1"])
    assert result.exit_code == 2
    assert "B1 needs its limit" in result.stderr


def test_predicted_time_has_a_budget(model: str) -> None:
    """It is held against the report's own prediction, and an error where no device is named: nothing would be held."""
    undone = run(model, "latency=8 ms")
    assert undone.exit_code == 2
    assert "A latency budget needs a device" in undone.stderr
    options = ["--input", "1,3,10,10", "--select", "B", "--device", "gtx-1080-ti", "-o", "json", "--budget"]
    kept = json.loads(CliRunner().invoke(main, [model, *options, "latency=1 s"]).stdout)
    predicted = kept["totals"]["predicted_ms"]
    assert kept["rules"][0]["value"] == pytest.approx(predicted / 1000)
    exceeded = CliRunner().invoke(main, [model, *options, f"latency={predicted / 2:.6f} ms"])
    assert exceeded.exit_code == 1
    (finding,) = json.loads(exceeded.stdout)["findings"]
    assert set(finding["counterfactual"]["worst"]) <= {"conv", "fc", ""}
    assert sum(finding["counterfactual"]["worst"].values()) == pytest.approx(predicted / 1000)

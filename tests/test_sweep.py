"""A model over a grid of sizes: the same as auditing it at each, but built once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mac_audit.cli import main
from mac_audit.errors import MacAuditError
from mac_audit.sweep import Axis, axis

MODEL = """\
import torch
from torch import nn
print("built")

class Net(nn.Module):
    input_size = (3, 32, 32)

    def __init__(self):
        super().__init__()
        self.wide = nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 64, 1))
        self.narrow = nn.Conv2d(64, 4, 7)

    def forward(self, x):
        return self.narrow(self.wide(x))
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "net_of_test_sweep.py"
    path.write_text(MODEL)
    return str(path)


def test_each_point_is_the_audit_at_that_size_and_the_model_is_built_once(
    model: str, capfd: pytest.CaptureFixture[str]
) -> None:
    result = run(model, "--sweep", "resolution=16:32:8", "--sweep", "batch=1,4", "-o", "json")
    assert capfd.readouterr().err.count("built") == 1
    swept = json.loads(result.stdout)
    sizes = [tuple(point["sizes"].values()) for point in swept["points"]]
    assert sizes == [(16, 1), (16, 4), (24, 1), (24, 4), (32, 1), (32, 4)]
    for point in swept["points"]:
        side, batch = point["sizes"]["resolution"], point["sizes"]["batch"]
        once = json.loads(run(model, "--resolution", str(side), "--batch", str(batch), "-o", "json").stdout)
        assert {name: point[name] for name in ("totals", "classes", "rules", "verdict")} == {
            name: once[name] for name in ("totals", "classes", "rules", "verdict")
        }
        by_hand = batch * (side * side * (3 * 8 + 8 * 64) + (side - 6) ** 2 * 64 * 4 * 49)
        assert point["totals"]["madds"] == by_hand


def test_table_has_a_line_a_point_and_marks_what_fails(model: str) -> None:
    result = run(model, "--sweep", "resolution=16,24x32", "--select", "G1")
    assert result.exit_code == 1
    lines = [line.split() for line in result.stdout.splitlines()]
    heading = lines.index(["resolution", "madds", "MAC", "bytes", "G1"])
    first, second = lines[heading + 1 : heading + 3]
    assert (first[0], second[0]) == ("16", "24×32")
    assert first[-1].endswith("!")
    assert second[-1].endswith("!")
    assert run(model, "--sweep", "batch=1,2", "--ignore", "G1,G4").exit_code == 0
    assert run(model, "--sweep", "batch=1,2", "--exit-zero").exit_code == 0


def test_a_point_at_which_the_model_does_not_run_is_told_and_the_others_are_not_lost(model: str) -> None:
    result = run(model, "--sweep", "resolution=4,16", "-o", "json")
    assert result.exit_code == 2
    small, large = json.loads(result.stdout)["points"]
    assert small["totals"] is None
    assert "net_of_test_sweep.py:14" in small["error"]  # a kernel of 7 on a side of 4
    assert large["error"] is None
    table = run(model, "--sweep", "resolution=4,16")
    assert "resolution 4: The forward of Net raised" in " ".join(table.stdout.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resolution=128:448:32", Axis("resolution", tuple(range(128, 449, 32)))),
        ("batch=1, 8,64", Axis("batch", (1, 8, 64))),
        ("seq-len=2:4", Axis("seq-len", (2, 3, 4))),
        ("resolution=224,480x640,224", Axis("resolution", (224, (480, 640)))),
    ],
)
def test_axis_is_read(text: str, expected: Axis) -> None:
    assert axis(text) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("resolution", "is not NAME=VALUES"),
        ("reslution=1", "Did you mean resolution?"),
        ("batch=1,a", "no number in 'a'"),
        ("batch=0", "at least 1"),
        ("batch=2x2", "at least 1"),
        ("batch=8:1", "at least 1"),
        ("batch=1:8:0", "at least 1"),
    ],
)
def test_axis_that_makes_no_sense_is_told(text: str, told: str) -> None:
    with pytest.raises(MacAuditError) as caught:
        axis(text)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--sweep", "batch=1", "--sweep", "batch=2"], "names an axis twice"),
        (["--sweep", "batch=1:200", "--sweep", "resolution=1:200"], "asks for 40000 points"),
        (["--sweep", "seq-len=8,16"], "--seq-len has nothing to act on"),
        (["--sweep", "batch=1", "-o", "sarif"], "choose one of table, json"),
        (["--sweep", "batch=1", "--write-baseline"], "no baseline"),
        (["--sweep", "batch=1", "--baseline", "known.json"], "no baseline"),
        (["--sweep", "batch=1", "--depth", "1"], "nothing for --depth to act on"),
        (["--sweep", "batch=1", "--sort", "mac"], "nothing for --sort to act on"),
        (["--sweep", "batch=1", "-j", "2"], "nothing for --jobs to act on"),
        (["zoo:vgg16", "--sweep", "batch=1"], "--sweep is for one model"),
        (["--sweep", "resolution=2,4"], "runs at no point"),
    ],
)
def test_sweep_that_makes_no_sense_is_told(model: str, arguments: list[str], told: str) -> None:
    result = run(model, *arguments)
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.split())

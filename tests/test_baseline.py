"""Baselines: what survives an edit, what is new, worse, better or gone, and which file may be written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mac_audit.baseline import Baseline, Entry, compare
from mac_audit.cli import main
from mac_audit.engine import not_audited
from mac_audit.fingerprint import open_path
from mac_audit.plain import from_plain
from mac_audit.report import Finding
from mac_audit.request import Request

MODEL = """\
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(8, 64, 1),
            nn.Conv2d(64, 8, 3, padding=1),
            nn.Conv2d(8, 128, 1),
            nn.Conv2d(128, 8, 3, padding=1),
        )

    def forward(self, x):
        return self.body(x)
"""
FILE = "mac-audit-baseline.json"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(code: str, *arguments: str, select: str = "G1") -> Result:
    Path("net_of_baseline.py").write_text(code)
    fixed = ("net_of_baseline.py", "--input", "1,8,32,32", "--select", select, "-o", "json")
    return CliRunner().invoke(main, [*fixed, *arguments])


def report_of(code: str, *arguments: str) -> dict[str, Any]:
    result = run(code, *arguments)
    assert result.exit_code in (0, 1), result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def counted(report: dict[str, Any]) -> set[str]:
    return {finding["layer"] for finding in report["findings"] if finding["suppressed"] is None}


def entries() -> list[dict[str, Any]]:
    document = json.loads(Path(FILE).read_text())
    assert document["schema_version"] == 1
    (found,) = document["models"].values()
    return list(found)


@pytest.fixture
def _written(_folder: None) -> None:
    result = run(MODEL, "--write-baseline")
    assert result.exit_code == 0, result.stderr
    assert f"{FILE} has 2 findings" in result.stderr
    assert {entry["layer"] for entry in entries()} == {"body.0", "body.2"}


@pytest.mark.usefixtures("_written")
@pytest.mark.parametrize(
    "change",
    [
        lambda code: code,
        lambda code: "# a line more\n" * 7 + code,
        lambda code: code.replace(
            "            nn.Conv2d(8, 64, 1),\n", "            nn.Identity(),\n            nn.Conv2d(8, 64, 1),\n"
        ),
        lambda code: (
            code.replace("8, 64, 1", "8, X, 1")
            .replace("64, 8, 3", "X, 8, 3")
            .replace("8, 128, 1", "8, 64, 1")
            .replace("128, 8, 3", "64, 8, 3")
            .replace("X", "128")
        ),
        lambda code: code.replace("Net", "Renamed"),
    ],
    ids=["nothing", "moved lines", "a layer more", "layers in another order", "another class name"],
)
def test_survives(change: Any) -> None:
    report = report_of(change(MODEL), "--baseline")
    assert counted(report) == set()
    assert report["verdict"] == "pass"
    assert len(report["findings"]) == 2
    assert all(finding["suppressed"]["by"] == "baseline" for finding in report["findings"])
    assert report["notes"] == []


@pytest.mark.usefixtures("_written")
def test_a_new_finding_counts() -> None:
    code = MODEL.replace("        )\n", "            nn.Conv2d(8, 512, 1),\n        )\n")
    result = run(code, "--baseline", FILE)
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert counted(report) == {"body.4"}
    assert report["verdict"] == "fail"


@pytest.mark.usefixtures("_written")
def test_a_worse_finding_counts_and_is_told() -> None:
    report = report_of(MODEL.replace("128", "256"), "--baseline")
    assert counted(report) == {"body.2"}
    assert report["notes"] == ["worse than in the baseline: G1 at body.2."]


@pytest.mark.usefixtures("_written")
def test_a_better_finding_does_not() -> None:
    report = report_of(MODEL.replace("128", "96"), "--baseline")
    assert counted(report) == set()
    assert report["notes"] == []


@pytest.mark.usefixtures("_written")
def test_what_is_gone_is_told_and_pruned() -> None:
    mended = MODEL.replace("128", "8")
    report = report_of(mended, "--baseline")
    assert report["verdict"] == "pass"
    assert report["notes"][0] == "in the baseline, but no longer found: G1 at body.2."
    assert "--prune-baseline" in report["notes"][1]
    assert len(entries()) == 2
    assert run(mended, "--prune-baseline").exit_code == 0
    assert [entry["layer"] for entry in entries()] == ["body.0"]
    assert report_of(mended, "--baseline")["notes"] == []
    assert run(MODEL, "--baseline").exit_code == 1  # what was pruned is new when it is back


@pytest.mark.usefixtures("_written")
def test_pruning_takes_what_is_better_as_it_is_now() -> None:
    assert run(MODEL.replace("128", "96"), "--prune-baseline").exit_code == 0
    assert counted(report_of(MODEL, "--baseline")) == {"body.2"}


@pytest.mark.usefixtures("_written")
def test_what_did_not_run_is_not_gone() -> None:
    result = run(MODEL, "--prune-baseline", select="G3")
    assert json.loads(result.stdout)["notes"] == []
    assert len(entries()) == 2


@pytest.mark.usefixtures("_written")
def test_writing_replaces_the_entries_of_the_rules_that_ran() -> None:
    assert run(MODEL, "--budget", "params=1 K", "--write-baseline", select="B").exit_code == 0
    assert {entry["code"] for entry in entries()} == {"B1", "G1"}
    assert run(MODEL.replace("128", "8"), "--write-baseline").exit_code == 0
    assert [(entry["code"], entry["layer"]) for entry in entries()] == [("B1", ""), ("G1", "body.0")]


@pytest.mark.usefixtures("_written")
def test_other_models_keep_their_entries() -> None:
    CliRunner().invoke(main, ["zoo:mobilenet_v1_x0_25", "--write-baseline"])
    models = json.loads(Path(FILE).read_text())["models"]
    assert sorted(models) == ["net_of_baseline.py", "zoo:mobilenet_v1_x0_25"]
    assert counted(report_of(MODEL, "--baseline")) == set()


def test_written_twice_is_the_same_file() -> None:
    run(MODEL, "--write-baseline")
    first = Path(FILE).read_bytes()
    run("\n\n" + MODEL, "--write-baseline")
    assert Path(FILE).read_bytes() == first


def test_a_budget_in_the_baseline_may_not_grow() -> None:
    budget = ("--budget", "params=1 K", "--baseline")
    run(MODEL, "--budget", "params=1 K", "--write-baseline", select="B")
    assert run(MODEL, *budget, select="B").exit_code == 0
    assert run(MODEL.replace("128", "64"), *budget, select="B").exit_code == 0
    assert run(MODEL.replace("128", "136"), *budget, select="B").exit_code == 1


def test_suppressed_findings_are_no_entries() -> None:
    code = MODEL.replace("nn.Conv2d(8, 64, 1),", "nn.Conv2d(8, 64, 1),  # mac-audit: ignore[G1]")
    run(code, "--write-baseline")
    assert [entry["layer"] for entry in entries()] == ["body.2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--baseline"], "cannot be read"),
        (["--prune-baseline"], "cannot be read"),
        (["--prune-baseline", "--write-baseline", "new.json"], "give one"),
        (["--baseline", "notes.json"], "notes.json has no schema_version"),
        (["--write-baseline", "notes.json"], "notes.json has no schema_version"),
        (["--baseline", "net_of_baseline.py"], "ends in .json"),
        (["--write-baseline", "net_of_baseline.py"], "ends in .json"),
        (["--baseline", "old.json"], "schema version 99"),
        (["--baseline", "broken.json"], r"broken.json.models.a should be a list"),
    ],
)
def test_no_other_file_is_read_or_written_over(arguments: list[str], message: str) -> None:
    Path("notes.json").write_text("{}")
    Path("old.json").write_text('{"schema_version": 99, "models": {}}')
    Path("broken.json").write_text('{"schema_version": 1, "models": {"a": 3}}')
    result = run(MODEL, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert Path("notes.json").read_text() == "{}"
    assert Path("net_of_baseline.py").read_text() == MODEL


def test_the_tolerance() -> None:
    entry = Entry("X1", "a.3.b", "other", 1.0, saving=1000)
    finding = from_plain(Finding, report_of(MODEL)["findings"][0], "finding")
    for saving, expected in ((1010, True), (1011, False)):
        assert entry.tolerates(replace(finding, saving=replace(finding.saving, mac_elements=saving))) is expected


def test_a_model_that_could_not_be_audited_loses_nothing() -> None:
    entry = Entry("G1", "a", "0/0", 1.0, 1)
    comparison = compare(not_audited(Request("a.py"), "a", "it raised"), Baseline({"a": (entry,)}))
    assert comparison.gone == ()
    assert comparison.pruned == (entry,)
    assert comparison.judged.verdict == "error"


def test_indices_of_a_path_are_open() -> None:
    assert open_path("stages.3.blocks.12.conv1") == "stages.*.blocks.*.conv1"
    assert open_path("") == ""

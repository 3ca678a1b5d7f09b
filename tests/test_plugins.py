"""Formulas of other people's: the example in the documentation, and what a broken plugin says."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from click.testing import CliRunner, Result
from torch.utils.flop_counter import FlopCounterMode

from mac_audit import cost, plugins
from mac_audit.cli import main
from mac_audit.errors import MacAuditError
from mac_audit.plugins import load_plugins

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
MODEL, FORMULAS = EXAMPLES / "scan.py", EXAMPLES / "scan_formulas.py"
GOOD = """
from mac_audit.cost import Work, formula
@formula("mylib.good")
def good(x):
    return Work("matmul", x.numel)
"""


@pytest.fixture(autouse=True)
def nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test starts with the formulas of this project alone."""
    monkeypatch.setattr(cost, "_formulas", {name: f for name, f in cost._formulas.items() if "mylib" not in name})
    monkeypatch.setattr(plugins, "_loaded", {})


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


# --- the example ---------------------------------------------------------------------------------------------------


def test_operators_of_ones_own_are_named_with_their_lines() -> None:
    done = run(MODEL, "-o", "json", "--strict")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    found = {entry["target"]: entry for entry in report["coverage"]["unknown"]}
    assert {target: entry["count"] for target, entry in found.items()} == {
        "mylib.scan.default": 2,
        "mylib.gated_norm.default": 2,
    }
    for name, entry in (("scan(", found["mylib.scan.default"]), ("gated_norm(", found["mylib.gated_norm.default"])):
        (line,) = entry["sources"]
        assert name in MODEL.read_text().splitlines()[line["line"] - 1]
    assert report["totals"]["lower_bound"]
    assert report["totals"]["madds"] == 2 * 2 * 128 * 64 * 128  # the linear layers, 256 positions 64 → 128
    bounded = {layer["path"]: layer["lower_bound"] for layer in report["layers"]}
    assert bounded == {"": True, "0": True, "0.project": False, "1": True, "1.project": False}


def test_a_plugin_makes_them_exact() -> None:
    done = run(MODEL, "--plugin", FORMULAS, "-o", "json", "--strict")
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["coverage"]["unknown"] == []
    assert not report["totals"]["lower_bound"]
    assert report["totals"]["madds"] == 2 * (256 * 64 * 128 + 256 * 64 * 64)


def example() -> ModuleType:
    specification = importlib.util.spec_from_file_location("scan_of_test_plugins", MODEL)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_examples_formula_counts_what_its_code_does() -> None:
    load_plugins([str(FORMULAS)])
    x, decay, mix = torch.randn(2, 128, 64), torch.randn(64), torch.randn(64, 64)
    with FlopCounterMode(display=False) as counter:
        example().scanned(x, decay, mix)
    report = json.loads(run(MODEL, "--plugin", FORMULAS, "-o", "json").stdout)
    found = [row["madds"] for row in report["operators"] if row["target"] == "mylib.scan.default"]
    assert found == [counter.get_total_flops() // 2] * 2


# --- loading -------------------------------------------------------------------------------------------------------


def test_loading_twice_is_loading_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "good.py").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    load_plugins(["good.py", "good.py"])
    load_plugins([str(tmp_path / "good.py"), "./good.py"])
    assert cost._lookup("mylib.good.default") is not None


def test_a_module_is_loaded_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "formulas_of_test_plugins.py").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    load_plugins(["formulas_of_test_plugins"])
    assert cost._lookup("mylib.good.default") is not None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import nonsense_that_is_not_there", "No module named 'nonsense_that_is_not_there'"),
        ("def broken(:\n", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        (GOOD.replace("mylib.good", "aten.mm"), "aten.mm has a formula already, in .*matmul.py:"),
        (GOOD + GOOD, "mylib.good has a formula already, in .*bad.py:"),
    ],
    ids=["import", "syntax", "raises", "exits", "ours", "twice"],
)
def test_what_cannot_be_loaded_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text)
    for _ in range(2):  # and is not taken for loaded
        with pytest.raises(MacAuditError, match=rf"The plugin .*bad\.py cannot be loaded: .*{told}"):
            load_plugins([str(path)])
    assert cost._lookup("mylib.good.default") is None  # none of its formulas stays


def test_a_module_that_cannot_be_loaded_is_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_of_test_plugins.py").write_text(GOOD + "1 / 0\n")
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        with pytest.raises(MacAuditError, match="broken_of_test_plugins cannot be loaded: it raised ZeroDivisionError"):
            load_plugins(["broken_of_test_plugins"])
    with pytest.raises(MacAuditError, match=r"No module named 'no_such_module'; give the path of a \.py file"):
        load_plugins(["no_such_module"])


def test_a_missing_file_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "formulas.py").write_text(GOOD)
    with pytest.raises(MacAuditError, match=r"no such file, did you mean formulas\.py"):
        load_plugins([str(tmp_path / "formula.py")])
    done = run(MODEL, "--plugin", tmp_path / "formula.py")
    assert done.exit_code == 2
    assert "did you mean formulas.py" in done.stderr


def test_plugins_need_no_torch(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(GOOD)
    program = f"""
import sys
sys.modules["torch"] = None
from mac_audit.plugins import load_plugins
load_plugins([{str(tmp_path / "good.py")!r}])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# --- formulas that go wrong ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("def scan(x): return Work('matmul', madds=x.shape[9])", "raised IndexError: tuple index out of range"),
        ("def scan(x): return Work('convolution')", "says the class 'convolution'; choose one of conv, "),
        ("def scan(y): return Work('matmul')", "has no argument 'y', but x, decay, mix"),
    ],
    ids=["raises", "class", "argument"],
)
def test_a_formula_that_goes_wrong_is_told_with_its_place(tmp_path: Path, body: str, told: str) -> None:
    path = tmp_path / "wrong.py"
    path.write_text(f"from mac_audit.cost import Work, formula\n@formula('mylib.scan')\n{body}\n")
    done = run(MODEL, "--plugin", path)
    assert done.exit_code == 2
    assert "The formula of mylib.scan.default in " in done.stderr
    assert "wrong.py:2" in done.stderr
    assert told in done.stderr


def test_a_formula_may_decline(tmp_path: Path) -> None:
    path = tmp_path / "declines.py"
    path.write_text("from mac_audit.cost import formula\n@formula('mylib.scan')\ndef scan(): return None\n")
    report = json.loads(run(MODEL, "--plugin", path, "-o", "json").stdout)
    assert "mylib.scan.default" in {entry["target"] for entry in report["coverage"]["unknown"]}

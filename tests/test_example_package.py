"""The example of a rule package: installed for itself, found by its entry points."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the installed package and nothing else."""
    folder = tmp_path_factory.mktemp("house-rules")
    source = folder / "source"  # a build writes beside what it builds
    shutil.copytree(EXAMPLES / "house-rules", source)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*command, "--target", str(folder / "site"), str(source)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "site"


def mac_audit(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, "-m", "mac_audit", *arguments], capture_output=True, text=True, env=environment, check=False
    )


def test_its_rule_runs_like_any_other(installed: Path) -> None:
    model = ["check", "--isolated", str(EXAMPLES / "bottleneck.py"), "--arg", "channels=72", "--arg", "groups=1"]
    done = mac_audit(installed, *model, "--input", "1,72,8,8", "--select", "H", "-o", "json")
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    (rule,) = report["rules"]
    assert (rule["code"], rule["verdict"], rule["value"]) == (
        "H1",
        "fail",
        4,
    )  # two blocks, 72 // 8 channels twice in each
    assert {finding["layer"] for finding in report["findings"]} == {"0.narrow", "0.middle", "1.narrow", "1.middle"}
    page = mac_audit(installed, "rule", "odd-channels")
    assert "multiple (default 8): what our accelerator's vector unit takes at once." in page.stdout


def test_the_rule_without_a_package(tmp_path: Path) -> None:
    """In a file that the configuration names: audited here and in processes of their own, compared, explained."""
    (tmp_path / "rules").mkdir()
    shutil.copy(EXAMPLES / "house-rules" / "house_rules.py", tmp_path / "rules" / "ours.py")
    shutil.copy(EXAMPLES / "bottleneck.py", tmp_path / "net.py")
    model = '[[model]]\nname = "{}"\ntarget = "net.py"\narguments = {{ channels = {}, groups = 1 }}\n'
    inputs = 'inputs = ["1,72,8,8"]\n'
    settings = 'plugins = ["rules/ours.py"]\nselect = ["H1"]\n'
    (tmp_path / "mac-audit.toml").write_text(settings + model.format("one", 72) + inputs)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "mac_audit", *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    alone = run("-o", "json")
    assert alone.returncode == 1, alone.stderr
    assert len(json.loads(alone.stdout)["findings"]) == 4
    assert "odd-channels" in run("rule", "H1").stdout
    (tmp_path / "mac-audit.toml").write_text(
        settings + "".join(model.format(name, 72) + inputs for name in ("one", "two"))
    )
    both = run("-o", "json")
    assert both.returncode == 1, both.stderr
    assert [len(report["findings"]) for report in json.loads(both.stdout)] == [4, 4]
    rules = json.loads(run("diff", "one", "two", "-o", "json").stdout)["rules"]
    assert [(rule["code"], rule["new"]["value"]) for rule in rules] == [("H1", 4)]


def test_its_reporter_is_a_format(installed: Path) -> None:
    model = ["check", "--isolated", str(EXAMPLES / "bottleneck.py"), "--exit-zero"]
    done = mac_audit(installed, *model, "-o", "worst")
    assert done.returncode == 0, done.stderr
    wide = 28 * 28 * 256 * 4 / 1e6  # bytes of a map: an addition reads two and writes one, a ReLU reads and writes one
    assert done.stdout == f"{EXAMPLES / 'bottleneck.py'}: fail, most memory access in 0 {5 * wide:.3g} MB\n"
    unknown = mac_audit(installed, *model, "-o", "wurst")
    assert unknown.returncode == 2
    assert "Did you mean worst?" in unknown.stderr

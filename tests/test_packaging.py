"""What an installation contains: built as a wheel, and looked into."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_top_level_is_ours_alone(wheel: zipfile.ZipFile) -> None:
    top = {name.split("/")[0] for name in wheel.namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"mac_audit"}


def test_wheel_holds_every_file_of_the_tree(wheel: zipfile.ZipFile) -> None:
    tree = {path.relative_to(ROOT).as_posix() for path in (ROOT / "mac_audit").rglob("*") if path.is_file()}
    tree = {path for path in tree if "__pycache__" not in path}
    tree |= {f"mac_audit/rules/{path.name}" for path in (ROOT / "rules").glob("*.py")}
    assert tree - set(wheel.namelist()) == set()


def test_entry_points_load() -> None:
    rules = {entry.name: entry.load() for entry in entry_points(group="mac_audit.rules")}
    assert {"G1", "G2"} <= rules.keys()
    assert all(rule.code == name for name, rule in rules.items())
    assert {"json", "table"} <= {entry.name for entry in entry_points(group="mac_audit.reporters")}

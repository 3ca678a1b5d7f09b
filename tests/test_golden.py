"""The golden files: one small report in every format."""

from __future__ import annotations

import importlib.util
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import pytest

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def refresh() -> ModuleType:
    specification = importlib.util.spec_from_file_location("golden_refresh", GOLDEN / "refresh.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_files_are_what_the_reporters_write(refresh: ModuleType) -> None:
    for name, text in refresh.rendered().items():
        written = (GOLDEN / name).read_bytes().decode("utf-8")
        assert written == text, f"{name} is out of date: python tests/golden/refresh.py"


def test_every_format_has_its_file(refresh: ModuleType) -> None:
    """But the page, which is megabytes of somebody's library: test_page.py opens it."""
    ours = [entry.name for entry in entry_points(group="mac_audit.reporters") if entry.value.startswith("mac_audit.")]
    assert sorted([*refresh.FILES, "html"]) == sorted(ours)

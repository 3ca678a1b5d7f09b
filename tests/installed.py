"""The sources and the tests in a folder, in the layout in which they are installed: there they can be broken."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]


def copied(folder: Path) -> None:
    """Copy them to ``folder``, in place of what is there of them."""
    for name in ("mac_audit", "rules", "tests", "docs"):
        where = folder / ("mac_audit/rules" if name == "rules" else name)
        shutil.rmtree(where, ignore_errors=True)
        shutil.copytree(ROOT / name, where, ignore=shutil.ignore_patterns("__pycache__", "found"))
    for name in ("pyproject.toml", "setup.cfg", "README.md"):
        shutil.copy(ROOT / name, folder)

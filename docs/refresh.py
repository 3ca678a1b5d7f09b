"""Put real output into the documentation.

Every ``console`` block that starts with ``$ mac-audit`` is run, as in a pipe 80 columns wide on a machine that measured
nothing, and every rule has its page under docs/rules/, written from its docstring. ``python docs/refresh.py`` rewrites
the pages; the tests check that nothing would change.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from mac_audit import page
from mac_audit.rule import discover

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"```console\n\$ mac-audit (?P<arguments>[^\n]*)\n(?P<output>.*?)```", re.DOTALL)


def pages() -> list[Path]:
    """The pages that people read."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def refreshed(text: str) -> str:
    """``text`` with the output of each command as it is now."""
    return BLOCK.sub(lambda block: _run(block["arguments"]), text)


def _run(arguments: str) -> str:
    command = [sys.executable, "-m", "mac_audit", *shlex.split(arguments)]
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "MAC_AUDIT_HOME": os.devnull}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    if done.returncode == 2:
        raise SystemExit(f"mac-audit {arguments} does not work: {done.stderr}")
    return f"```console\n$ mac-audit {arguments}\n{done.stdout}{done.stderr}```"


def rule_pages() -> dict[Path, str]:
    """The page of each rule of this project, with what it says."""
    rules = [rule for rule in discover() if rule.check.__module__.startswith("mac_audit.rules.")]
    return {ROOT / "docs" / "rules" / f"{rule.code}.md": page.markdown(rule) for rule in rules}


if __name__ == "__main__":
    for path, text in rule_pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in pages():
        path.write_text(refreshed(path.read_text(encoding="utf-8")), encoding="utf-8")

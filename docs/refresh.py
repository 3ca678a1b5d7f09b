"""Put real output into the documentation: every ``console`` block that starts with ``$ mac-audit`` is run.

``python docs/refresh.py`` rewrites README.md and docs/*.md; the tests check that nothing would change. Output is that
of a pipe, 80 columns wide.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

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
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    return f"```console\n$ mac-audit {arguments}\n{done.stdout}{done.stderr}```"


if __name__ == "__main__":
    for page in pages():
        page.write_text(refreshed(page.read_text(encoding="utf-8")), encoding="utf-8")

"""Model files that do what no model should: each ends in one sentence or a report, and takes nothing else along.

The line ``# outcome:`` of each file in ``tests/hostile`` says what is to come of it: 0, or 2 and a part of the error.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOSTILE = Path(__file__).parent / "hostile"
OUTCOME = re.compile(r"# outcome: ([02])(?: (.+))?$", re.MULTILINE)


def outcomes() -> dict[str, tuple[str, str]]:
    """By file: the exit status that it is to bring about, and a part of the sentence."""
    found = {}
    for file in sorted(HOSTILE.glob("*.py")):
        text = file.read_bytes().replace(b"\0", b"").decode("utf-8", "replace").replace("\r", "\n")
        line = OUTCOME.search(text)
        assert line is not None, f"{file} says nothing of its outcome"
        found[file.name] = line[1], line[2] or ""
    return found


# Runs with limits that the files in them are to exceed, by a part of their sentence; and all others in one.
RUNS = {
    "took longer than": ("--timeout", "4", "-j", "12"),
    "of memory, more than": ("--memory", "600 MB", "--timeout", "300", "-j", "2"),
    "": ("--timeout", "300", "-j", "4"),
}


def run_of(sentence: str) -> str:
    return next(part for part in RUNS if part in sentence)


@pytest.mark.parametrize("part", RUNS, ids=["time", "memory", "others"])
def test_hostile_files_end_as_they_say(part: str, tmp_path: Path) -> None:
    expected = {name: outcome for name, outcome in outcomes().items() if run_of(outcome[1]) == part}
    command = [sys.executable, "-m", "mac_audit", "check", "--isolated", "--input", "1,8,4,4", "--select", "G1"]
    command += ["-o", f"json={tmp_path / 'reports.json'}", *RUNS[part], *expected]
    done = subprocess.run(command, cwd=HOSTILE, capture_output=True, stdin=subprocess.DEVNULL, timeout=500, check=False)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""
    found = {}
    for report in json.loads((tmp_path / "reports.json").read_text()):
        found[report["target"]] = ("2", report["error"]) if report["error"] else ("0", "")
    assert list(found) == list(expected)
    wrong = {
        name: (expected[name], found[name])
        for name in expected
        if found[name][0] != expected[name][0] or expected[name][1] not in found[name][1] or "\n" in found[name][1]
    }
    assert wrong == {}


def test_there_are_two_hundred_of_them() -> None:
    """All different, in more than what they expect."""
    texts = {OUTCOME.sub("", file.read_bytes().decode("latin-1")) for file in HOSTILE.glob("*.py")}
    assert len(texts) == len(list(HOSTILE.glob("*.py"))) >= 200


def test_the_table_of_faults_says_what_the_files_say() -> None:
    text = (HOSTILE.parent.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| .+ \| `(\w+\.py)` \| (.+) \|$", text, re.MULTILINE)
    expected = outcomes()
    assert len(rows) > 20
    for name, told in rows:
        status, sentence = expected[name]
        assert (status, sentence) == (("0", "") if told == "a report" else ("2", told)), name
    assert f"keeps {len(expected)} model files" in text

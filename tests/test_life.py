"""A repository with three models through its life: init, a first run, a gate, regressions, a diff, a fix.

Everything is a command in a process of its own, as CI runs it. The models are small, the rule is G1 and a budget.
"""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

ENCODER = """\
from torch import nn

class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3)
        self.mix = nn.Conv2d(16, 16, 1)

    def forward(self, x):
        return self.mix(self.stem(x)).mean(1)  # of as many channels as one likes
"""
HEAD = """\
from torch import nn

class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Conv2d(64, 4, 1)

    def forward(self, x):
        return self.out(x)
"""
LEGACY = """\
from torch import nn

class Legacy(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(16, 128, 1), nn.Conv2d(128, 16, 1))

    def forward(self, x):
        return self.body(x)
"""
FORMATS = {
    "table": "txt",
    "json": "json",
    "sarif": "sarif",
    "github": "github.txt",
    "gitlab": "gitlab.json",
    "junit": "xml",
    "markdown": "md",
}


class Repository:
    """A git repository and the commands that are run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "-q")

    def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True)

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.folder / f"{name}.py").write_text(text)

    def edit(self, file: str, old: str, new: str) -> None:
        text = (self.folder / file).read_text()
        assert old in text
        (self.folder / file).write_text(text.replace(old, new))

    def run(self, *arguments: str, status: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mac_audit", *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def formats(self, *arguments: str, status: int) -> dict[str, bytes]:
        """One run in every format."""
        outputs = [part for name, suffix in FORMATS.items() for part in ("-o", f"{name}=report.{suffix}")]
        self.run(*outputs, *arguments, status=status)
        return {name: (self.folder / f"report.{suffix}").read_bytes() for name, suffix in FORMATS.items()}


# What each format says of the findings that count, as the lines of code that it names.
LINES: dict[str, Callable[[str], set[str]]] = {
    "json": lambda text: {
        f"{finding['source']['file']}:{finding['source']['line']}"
        for report in json.loads(text)
        for finding in report["findings"]
        if finding["source"] and not finding["suppressed"]
    },
    "sarif": lambda text: {
        f"{place['artifactLocation']['uri']}:{place['region']['startLine']}"
        for run in json.loads(text)["runs"]
        for result in run["results"]
        if not result.get("suppressions") and result["ruleId"].startswith("G")
        for place in [result["locations"][0]["physicalLocation"]]
    },
    "gitlab": lambda text: {
        f"{entry['location']['path']}:{entry['location']['lines']['begin']}"
        for entry in json.loads(text)
        if entry["check_name"].startswith("G")
    },
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """After ``init``, an edit of what it wrote, and a baseline of what was there."""
    found = Repository(tmp_path_factory.mktemp("life"))
    found.write(encoder=ENCODER, head=HEAD, legacy=LEGACY)
    started = found.run("init", status=0)
    assert "encoder: encoder.py:Encoder, input 1,3,224,224" in started.stdout
    found.edit("mac-audit.toml", "1,64,224,224", "1,64,32,32")
    found.edit("mac-audit.toml", "1,16,224,224", "1,16,32,32")
    found.edit("mac-audit.toml", 'fail-on = "error"', 'select = ["G1", "B"]\nfail-on = "error"')

    first = found.run("-j", "2", status=1)
    assert "3 models: 1 pass, 2 fail" in first.stdout

    text = (found.folder / "mac-audit.toml").read_text()
    budget = '# budgets = { params = "5 M", madds = "300 M", mac = "25 MB", memory = "8 MB" }'
    (found.folder / "mac-audit.toml").write_text(text.replace(budget, 'budgets = { params = "1 K" }', 1))
    found.edit("head.py", "nn.Conv2d(64, 4, 1)", "nn.Conv2d(64, 4, 1)  # mac-audit: ignore[G1] four classes")
    found.run("--write-baseline", status=0)
    found.edit("mac-audit.toml", "fail-on", 'baseline = "mac-audit-baseline.json"\nfail-on')
    found.git("add", ".")
    found.git("commit", "-qm", "a gate")
    return found


@pytest.fixture
def life(repository: Repository) -> Repository:
    """The repository as it was committed."""
    repository.git("checkout", "-q", "--", ".")
    return repository


def test_the_gate_is_open_and_the_same_twice(life: Repository) -> None:
    first = life.formats("-j", "2", status=0)
    assert life.formats("-j", "3", status=0) == first
    reports = {report["name"]: report for report in json.loads(first["json"])}
    assert {name: report["verdict"] for name, report in reports.items()} == dict.fromkeys(reports, "pass")
    assert [finding["suppressed"] for finding in reports["head"]["findings"]] == [
        {"by": "comment", "reason": "four classes"}
    ]
    assert {finding["suppressed"]["by"] for finding in reports["legacy"]["findings"]} == {"baseline"}
    assert [rule["code"] for rule in reports["encoder"]["rules"]] == ["B1", "G1"]
    for name, lines in LINES.items():
        assert lines(first[name].decode()) == set(), name
    assert ET.fromstring(first["junit"]).find(".//failure") is None
    assert "::error" not in first["github"].decode()


def test_regressions_are_told_in_every_format(life: Repository) -> None:
    """A new layer breaks G1, an old one gets worse, and the budget is exceeded."""
    life.edit("encoder.py", "nn.Conv2d(16, 16, 1)", "nn.Conv2d(16, 256, 1)")
    life.edit("legacy.py", "128", "512")
    shown = life.formats(status=1)
    for name, lines in LINES.items():
        assert lines(shown[name].decode()) == {"encoder.py:7", "legacy.py:6"}, name
    for name, content in shown.items():
        assert b"B1" in content, name
        assert b"G1" in content, name
        assert b"exceeds the budget of 1.00 K by 3.80 K" in content, name  # 3·16·9 + 16 + 16·256 + 256 = 4800
    errors = [line for line in shown["github"].decode().splitlines() if line.startswith("::error ")]
    assert any("file=encoder.py,line=7" in line for line in errors)
    assert len(list(ET.fromstring(shown["junit"]).iter("failure"))) >= 3
    notes = [note for report in json.loads(shown["json"]) for note in report["notes"]]
    assert any(note.startswith("worse than in the baseline: G1 at body.") for note in notes)


def test_diff_says_what_changed(life: Repository) -> None:
    before = life.folder / "before.json"
    life.run("-o", f"json={before}", status=0)
    life.edit("encoder.py", "nn.Conv2d(16, 16, 1)", "nn.Conv2d(16, 256, 1)")
    life.run("-o", "json=after.json", status=1)
    told = life.run("diff", "before.json", "after.json", "-o", "markdown", status=0)
    assert "encoder" in told.stdout
    life.run("diff", "before.json", "after.json", "--fail-on-increase", "params:2%", status=1)
    since = life.run(*("diff", "--git", "HEAD", "encoder", "-o", "json", "--fail-on-increase", "params:2%"), status=1)
    assert '"mix"' in since.stdout


def test_a_fix_is_told_and_pruned(life: Repository) -> None:
    life.edit("legacy.py", "128", "16")
    told = life.run(status=0)
    assert "in the baseline, but no longer found: G1 at body." in told.stdout
    assert (life.folder / "mac-audit-baseline.json").read_text().count('"code"') == 2
    life.run("--prune-baseline", status=0)
    assert '"code"' not in (life.folder / "mac-audit-baseline.json").read_text()
    life.git("checkout", "-q", "--", "legacy.py")  # what was pruned may not come back
    assert "legacy" in life.run(status=1).stdout


def test_a_model_that_does_not_load_is_2(life: Repository) -> None:
    life.edit("encoder.py", "class Encoder", "class Encoder(")
    shown = life.formats(status=2)
    for name in ("table", "json", "sarif", "github", "junit", "markdown"):
        assert b"syntax error" in shown[name], name
    assert {report["name"]: report["verdict"] for report in json.loads(shown["json"])} == {
        "encoder": "error",
        "head": "pass",
        "legacy": "pass",
    }

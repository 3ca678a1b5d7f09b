"""Comments and path ignores: which findings they silence, which not, and what is said of those that silence nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mac_audit.cli import main
from mac_audit.comments import read

HEAD = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(code: str, *arguments: str, shape: str = "1,8,32,32", name: str = "net_of_suppress.py") -> Result:
    Path(name).write_text(HEAD + code)
    return CliRunner().invoke(main, [name, "--input", shape, *arguments])


def report_of(code: str, *arguments: str, shape: str = "1,8,32,32") -> dict[str, Any]:
    result = run(code, "-o", "json", *arguments, shape=shape)
    assert result.exit_code in (0, 1), result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def silenced(report: dict[str, Any]) -> dict[str, str]:
    """By layer, why a finding does not count."""
    found = {finding["layer"]: finding["suppressed"] for finding in report["findings"]}
    return {layer: why["reason"] for layer, why in found.items() if why is not None}


def counted(report: dict[str, Any]) -> set[str]:
    return {finding["layer"] for finding in report["findings"] if finding["suppressed"] is None}


LAYERS = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.Conv2d(8, 64, 1){up}
        self.down = nn.Conv2d(64, 8, 1){down}

    def forward(self, x):
        y = self.up(x){call}
        return self.down(y)
"""


def layers(up: str = "", down: str = "", call: str = "") -> str:
    return LAYERS.format(up=up, down=down, call=call)


# --- comments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "comment",
    [
        "# mac-audit: ignore[G1] on purpose",
        "# mac-audit: ignore[unequal-channels] on purpose",
        "# mac-audit: ignore[G4, g1] on purpose",
        "# mac-audit: ignore on purpose",
        "#mac-audit:ignore[G1]: on purpose",
        "# mac-audit: ignore [G1] on purpose",
        "# noqa: E501  # mac-audit: ignore[G1] on purpose",
    ],
)
@pytest.mark.parametrize("place", ["up", "call"])
def test_construction_and_call_line(comment: str, place: str) -> None:
    report = report_of(layers(**{place: f"  {comment}"}))
    assert silenced(report) == {"up": "on purpose"}
    assert counted(report) == {"down"}
    assert report["verdict"] == "fail"  # the other one counts


def test_a_rule_passes_when_all_its_findings_are_silenced() -> None:
    ignore = "  # mac-audit: ignore[G1]"
    result = run(layers(up=ignore, down=ignore))
    assert result.exit_code == 0
    assert "every finding is suppressed: 2 by comment" in " ".join(result.stdout.split())
    report = report_of(layers(up=ignore, down=ignore))
    assert report["verdict"] == "pass"
    (rule,) = (rule for rule in report["rules"] if rule["code"] == "G1")
    assert rule["verdict"] == "pass"
    assert rule["value"] > rule["limit"]
    assert len(report["findings"]) == 2


@pytest.mark.parametrize(
    ("comment", "told"),
    [
        ("# mac-audit: ignore[G4]", "suppresses nothing"),
        ("# mac-audit: ignore [G4] and not G1", "suppresses nothing"),
        ("# mac-audit: ignore[G9]", "names no rule: there is no 'G9'"),
        ("# mac-audit: ignore[]", "is not understood"),
        ("# mac-audit: ignore[G1", "is not understood"),
        ("# mac-audit: ignored", "is not understood"),
        ("# mac-audit: skip", "is not understood"),
    ],
)
def test_what_silences_nothing_is_told_with_its_line(comment: str, told: str) -> None:
    report = report_of(layers(up=f"  {comment}"))
    assert counted(report) == {"up", "down"}
    (note,) = (note for note in report["notes"] if "suppression" in note)
    assert note.startswith("unused suppression: net_of_suppress.py:8")
    assert told in note


@pytest.mark.parametrize(
    ("encoding", "head"), [("utf-8-sig", ""), ("latin-1", "# -*- coding: latin-1 -*-\n# größer\n")]
)
def test_files_in_other_encodings(encoding: str, head: str) -> None:
    Path("net_of_encoding.py").write_text(head + HEAD + layers(up="  # mac-audit: ignore[G1] für immer"), encoding)
    result = CliRunner().invoke(main, ["net_of_encoding.py", "--input", "1,8,32,32", "-o", "json"])
    assert silenced(json.loads(result.stdout)) == {"up": "für immer"}


def test_text_that_is_no_comment_silences_nothing() -> None:
    code = layers(call='; z = "# mac-audit: ignore[G1]"')
    report = report_of(code)
    assert counted(report) == {"up", "down"}
    assert not report["notes"]


def test_a_comment_for_a_rule_that_does_not_run_is_not_unused() -> None:
    report = report_of(layers(up="  # mac-audit: ignore[G1]"), "--select", "G3")
    assert not report["notes"]


def test_comments_of_other_models_in_the_file_are_left_alone() -> None:
    other = "\nclass Other(nn.Module):\n    def __init__(self, n):\n        self.n = n  # mac-audit: ignore[G1]\n"
    assert not report_of(layers() + other)["notes"]


def test_functional_call() -> None:
    code = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(64, 8, 1, 1))
        self.back = nn.Parameter(torch.empty(8, 64, 1, 1))

    def forward(self, x):
        x = F.conv2d(x, self.weight)  # mac-audit: ignore[G1] here
        return F.conv2d(x, self.back)
"""
    report = report_of(code)
    lines = {finding["source"]["line"]: finding["suppressed"] for finding in report["findings"]}
    assert lines[12] == {"by": "comment", "reason": "here"}
    assert lines[13] is None


def test_a_loop_that_builds_layers() -> None:
    code = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList()
        for wide in (32, 64):
            self.layers.append(nn.Sequential(nn.Conv2d(8, wide, 1), nn.Conv2d(wide, 8, 1)))  # mac-audit: ignore all

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
"""
    report = report_of(code)
    assert len(silenced(report)) > 1  # of one line, called with two widths
    assert counted(report) == set()
    assert report["verdict"] == "pass"


def test_a_factory_in_another_file() -> None:
    """The line that chose the widths is the user's: the comment stands there, not in the helper."""
    Path("helper_of_suppress.py").write_text(
        "from torch import nn\n\ndef conv(a, b):\n    return nn.Sequential(nn.Conv2d(a, b, 1), nn.ReLU())\n"
    )
    code = """\
from helper_of_suppress import conv

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = conv(8, 64)  # mac-audit: ignore[G1] theirs
        self.down = conv(64, 8)

    def forward(self, x):
        return self.down(self.up(x))
"""
    report = report_of(code, "--select", "G1")
    assert silenced(report) == {"up.0": "theirs"}
    assert counted(report) == {"down.0"}


# --- the lines that a comment speaks of: those marked with < ------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "x = f(1)  # mac-audit: ignore <",
        "x = f(  # mac-audit: ignore <\n    1,  # <\n)  # <",
        "x = f(  # <\n    1,  # mac-audit: ignore <\n)  # <",
        "x = f(  # <\n    1,  # <\n)  # mac-audit: ignore <",
        "x = f(\n    g(1),  # mac-audit: ignore <\n    g(2),\n)",  # one of a sequence
        "x = f(\n    g(  # <\n        1,  # mac-audit: ignore <\n    ),  # <\n    g(2),\n)",
        "x = (\n    a\n    + b\n)\ny = 1  # mac-audit: ignore <",
        "x = (  # <\n    a  # <\n    + b  # mac-audit: ignore <\n)  # <",
        "for x in f(1):  # mac-audit: ignore <\n    y = g(x)",
        "def f(  # <\n    x,  # mac-audit: ignore <\n):  # <\n    return g(x)",
        "if x:\n    y = f(1)  # mac-audit: ignore <\nelse:\n    y = 2",
        "with f() as a, \\\n        g() as b:\n    c = h(a)  # mac-audit: ignore <",
        "class A:\n    @property\n    def f(self):  # mac-audit: ignore <\n        return 1",
        "match x:\n    case 1:\n        y = f(1)  # mac-audit: ignore <",
        "x = 1\n# mac-audit: ignore <\ny = f(1)",  # beside no statement
    ],
)
def test_lines_of_a_comment(text: str) -> None:
    (comment,) = read(text)
    expected = [number for number, line in enumerate(text.splitlines(), 1) if line.endswith("<")]
    assert list(range(comment.lines[0], comment.lines[1] + 1)) == expected


def test_text_that_is_no_python_has_no_comments() -> None:
    assert read("# mac-audit: ignore\ndef (:") == []
    assert read("'unclosed  # mac-audit: ignore") == []


# --- ignores of layers ---------------------------------------------------------------------------------------------

STAGES = """\
class Block(nn.Module):
    def __init__(self, wide):
        super().__init__()
        self.up = nn.Conv2d(8, wide, 1)
        self.down = nn.Conv2d(wide, 8, 1)

    def forward(self, x):
        return self.down(self.up(x))

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stage1 = Block(32)
        self.stage4 = Block(64)

    def forward(self, x):
        return self.stage4(self.stage1(x))
"""


@pytest.mark.parametrize(
    ("path", "rules", "expected"),
    [
        ("stage4.*", '["G1"]', {"stage4.up", "stage4.down"}),
        ("*.up", '["unequal-channels"]', {"stage1.up", "stage4.up"}),
        ("stage4.up", "[]", {"stage4.up"}),
        ("stage", "[]", set()),
        ("*", '["G4"]', set()),
    ],
)
def test_path_ignores(path: str, rules: str, expected: set[str]) -> None:
    Path("mac-audit.toml").write_text(f'[[ignore]]\npath = "{path}"\nrules = {rules}\nreason = "it is thin"\n')
    report = report_of(STAGES + "\nmodel = Net()\n")
    assert silenced(report) == dict.fromkeys(expected, "it is thin")
    assert all(
        finding["suppressed"] in (None, {"by": "config", "reason": "it is thin"}) for finding in report["findings"]
    )
    notes = [note for note in report["notes"] if "suppression" in note]
    assert len(notes) == (0 if expected else 1)
    assert all(f"ignore of '{path}'" in note for note in notes)


def test_used_in_one_of_several_models_is_used() -> None:
    """The comment silences a finding of the wide one alone, and no other is told in either."""
    code = """\
class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.up = nn.Conv2d(8, width, 1)  # mac-audit: ignore[G1]
        self.down = nn.Conv2d(width, 8, 1)  # mac-audit: ignore[G1, G3]
        self.same = nn.Conv2d(8, 8, 1)  # mac-audit: ignore[G2]

    def forward(self, x):
        return self.same(self.down(self.up(x)))
"""
    Path("several_of_suppress.py").write_text(HEAD + code)
    Path("mac-audit.toml").write_text(
        "".join(
            f'[[model]]\nname = "w{width}"\ntarget = "several_of_suppress.py:Net"\n'
            f'arguments = {{ width = {width} }}\ninputs = ["1,8,32,32"]\n'
            for width in (8, 64)
        )
    )
    even, wide = json.loads(CliRunner().invoke(main, ["-o", "json"]).stdout)
    assert even["notes"] == ["unused suppression: several_of_suppress.py:10: suppresses nothing; remove it."]
    assert wide["notes"] == []
    assert wide["verdict"] == "pass"

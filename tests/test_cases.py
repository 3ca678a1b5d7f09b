"""The models under ``cases/`` are judged as their comments say, by all rules at once.

A line that a rule has to blame ends in ``# expect: G1`` (``# expect: G1, G4``), and nothing else may be found. What is
known to be wrong stays where it is: ``# todo: G1`` marks a line that ought to be found and is not, ``# todo: no G1``
one that ought not and is. Such a file is an expected failure for as long as the tool errs in that way and no other.

A folder is named after the rule that its cases are about; files whose names begin with an underscore only serve them.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mac_audit.api import audit
from mac_audit.load import load

CASES = Path(__file__).parent / "cases"
RULES = ("G1", "G2", "G3", "G4")
FILES = sorted(path for path in CASES.glob("*/*.py") if not path.name.startswith("_"))

Finding = tuple[str, int, str]  # file, line, code

_CODES = r"((?:no )?[A-Z]+\d+(?:, *(?:no )?[A-Z]+\d+)*)"
_MARK = re.compile(rf"# (expect|todo): {_CODES}(?=\s*(?:#|$))")


@dataclass
class Marks:
    """What the comments of a case say: findings, those that are missed, and those that are false."""

    expected: set[Finding] = field(default_factory=set)
    missed: set[Finding] = field(default_factory=set)
    false: set[Finding] = field(default_factory=set)

    @classmethod
    def of(cls, text: str, name: str) -> Marks:
        """Those in the source of a case; a comment that looks like a mark and is none is an error."""
        marks = cls()
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type != tokenize.COMMENT:
                continue
            found = _MARK.findall(token.string)
            assert len(found) == len(re.findall(r"\b(?:expect|todo):", token.string)), f"{name}: {token.string}"
            for word, codes in found:
                for code in re.split(r", *", codes):
                    finding = (name, token.start[0], code.removeprefix("no "))
                    assert word == "todo" or not code.startswith("no "), f"{name}: {token.string}"
                    kind = marks.false if code.startswith("no ") else marks.missed
                    (marks.expected if word == "expect" else kind).add(finding)
        return marks

    @property
    def now(self) -> set[Finding]:
        """What the tool finds as long as nothing of what is to do is done."""
        return self.expected | self.false

    @property
    def all(self) -> set[Finding]:
        """Every marked line."""
        return self.expected | self.missed | self.false


def findings(path: Path) -> set[Finding]:
    """What all rules find, each line and code once."""
    loaded = load(str(path))
    report = audit(loaded.model, loaded.inputs)
    assert {rule.code for rule in report.rules} >= set(RULES)
    assert not report.errors
    assert not report.coverage.unknown
    assert all(finding.source is not None for finding in report.findings)
    return {(Path(f.source.file).name, f.source.line, f.code) for f in report.findings if f.source is not None}


def listed(what: set[Finding]) -> str:
    """``case.py:12 G1, case.py:14 G4``."""
    return ", ".join(f"{file}:{line} {code}" for file, line, code in sorted(what))


def name(path: Path) -> str:
    """``g1/bottleneck_block``."""
    return path.relative_to(CASES).with_suffix("").as_posix()


@pytest.fixture(autouse=True)
def _no_traces() -> Iterator[None]:
    """Forget the folder that loading a case put in the path of imports, and what came from there."""
    before = list(sys.path)
    yield
    added = set(sys.path) - set(before)
    sys.path[:] = before
    for module, file in [(module, getattr(value, "__file__", None)) for module, value in sys.modules.items()]:
        if file and str(Path(file).parent) in added:
            del sys.modules[module]


@pytest.mark.parametrize("path", FILES, ids=name)
def test_case(path: Path) -> None:
    marks = Marks.of(path.read_text(encoding="utf-8"), path.name)
    found = findings(path)
    done = [f"found by now: {listed(marks.missed & found)}"] * bool(marks.missed & found)
    done += [f"not found any more: {listed(marks.false - found)}"] * bool(marks.false - found)
    assert not done, f"make `expect` of `todo`, or nothing of `todo: no`; {'; '.join(done)}"
    assert found == marks.now, (
        f"missing: {listed(marks.now - found) or 'nothing'}; not expected: {listed(found - marks.now) or 'nothing'}"
    )
    if marks.missed or marks.false:
        pytest.xfail(f"missed: {listed(marks.missed) or 'nothing'}; false: {listed(marks.false) or 'nothing'}")


@pytest.mark.parametrize("code", RULES)
def test_cases_are_about_their_rule(code: str) -> None:
    cases = [path for path in FILES if path.parent.name == code.lower()]
    marks = [Marks.of(path.read_text(encoding="utf-8"), path.name) for path in cases]
    about = sum(code in {code for _, _, code in case.all} for case in marks)
    silent = sum(not case.all for case in marks)
    assert len(cases) >= 8
    assert about >= 5
    assert silent >= 4
    assert about + silent == len(cases)


def renamed(text: str) -> str:
    """``text`` with names that say nothing for its classes, its attributes and its functions, line by line."""
    tree = ast.parse(text)
    classes = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    attributes = [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    ]
    for number, word in enumerate(dict.fromkeys(classes)):
        text = re.sub(rf"(?<![.\w]){word}\b", f"Thing{number}", text)
    for number, word in enumerate(dict.fromkeys(attributes)):
        text = re.sub(rf"\bself\.{word}\b", f"self.part{number}", text)
    return text


@pytest.mark.parametrize(
    "case",
    [
        "g1/bottleneck_block",
        "g1/helper_module",
        "g1/transformer_feed_forward",
        "g2/groups_through_helper",
        "g2/shuffle_unit",
        "g3/inception_blocks",
        "g3/split_by_hand",
        "g4/depthwise_blocks",
        "g4/inverted_bottleneck",
    ],
)
def test_names_do_not_matter(case: str, tmp_path: Path) -> None:
    text = (CASES / f"{case}.py").read_text(encoding="utf-8")
    other = renamed(text)
    assert other != text
    assert len(other.splitlines()) == len(text.splitlines())
    path = tmp_path / "subject.py"
    path.write_text(other, encoding="utf-8")
    found = {(line, code) for _, line, code in findings(path)}
    assert found == {(line, code) for _, line, code in Marks.of(text, "").expected}


def test_a_mark_says_what_it_means() -> None:
    marks = Marks.of("a  # expect: G1, G4\nb = '# expect: G2'\nc  # expect: G2  # todo: G1, no G3\n", "case.py")
    assert marks.expected == {("case.py", 1, "G1"), ("case.py", 1, "G4"), ("case.py", 3, "G2")}
    assert marks.missed == {("case.py", 3, "G1")}
    assert marks.false == {("case.py", 3, "G3")}
    with pytest.raises(AssertionError):
        Marks.of("a  # expect: G1 and G2\n", "case.py")

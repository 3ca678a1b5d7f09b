"""Saved files are data: what is wrong with one is told in a sentence, whatever it is, and nothing of it is run."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from torch import nn

from mac_audit.baseline import Baseline
from mac_audit.cli import main
from mac_audit.errors import MacAuditError
from mac_audit.experiments.outcome import Experiment
from mac_audit.network import Network
from mac_audit.plain import from_plain, parse_versioned
from mac_audit.report import Report

CORPUS = Path(__file__).parent / "fuzz" / "corpus"
GOOD = {
    "trace": CORPUS / "trace" / "small.json",
    "report": CORPUS / "report" / "golden.json",
    "baseline": CORPUS / "baseline" / "two.json",
    "experiment": CORPUS / "experiment" / "g1.json",
    "config": CORPUS / "config" / "example.toml",
    "device": CORPUS / "device" / "t4.toml",
}
JSON = ("trace", "report", "baseline", "experiment")
COMMANDS = {  # what reads the file `bad`
    "trace": ("bad.json",),
    "report": ("diff", "bad.json", "bad.json"),
    "baseline": ("good.json", "--baseline", "bad.json"),
    "experiment": ("good.json", "--device", "avx2-core"),
    "config": ("good.json", "--config", "bad.toml"),
    "device": ("good.json", "--device", "bad.toml"),
}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.json").write_bytes(GOOD["trace"].read_bytes())
    monkeypatch.setenv("MAC_AUDIT_HOME", "kept")
    bad("experiment").parent.mkdir(parents=True)


def bad(kind: str) -> Path:
    if kind == "experiment":  # nobody names it: what was kept on the device is read
        return Path("kept", "experiments", "avx2-core", "bad.json")
    return Path("bad.json" if kind in JSON else "bad.toml")


def run(kind: str) -> Result:
    return CliRunner().invoke(main, COMMANDS[kind])


def told(result: Result, name: str = "bad") -> str:
    """The one sentence of a run that could not be done; it names the file."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = (line for line in result.stderr.splitlines() if not line.startswith("(--traceback"))
    assert line.startswith("mac-audit: ")
    assert "an error of its own" not in line
    assert name in line
    assert len(line) < 600
    return line


def documents(kind: str) -> Iterator[tuple[str, bytes]]:
    """What no reader takes, by what is wrong with it."""
    good = GOOD[kind].read_bytes()
    yield "empty", b"" if kind in JSON else b"["
    yield "no text", b"\xff\xfe\x00\xd8"
    yield "Latin-1", good.replace(b"e", b"\xe9", 1)
    yield "UTF-16", good.decode().encode("utf-16")
    yield "NUL", good[:20] + b"\x00" + good[20:]
    yield "a pickle", b"\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94."
    yield "a list", b"[]" if kind in JSON else b"[[model]]\n[[model]]"
    yield "deep", b"[" * 100_000 if kind in JSON else b"x = " + b"[" * 100_000
    if kind not in JSON:
        yield "deep and whole", b"x = " + b"[" * 5_000 + b"]" * 5_000
        yield "twice", b"name = 'a'\nname = 'b'\n" + good
        yield "unknown", b"nmae = 'a'\n" + good
        yield "a long number", b"batch = 1" + b"0" * 5_000 + b"\n" + good
        yield "a long number in another base", b"batch = 0x1" + b"0" * 50_000 + b"\n" + good
        yield "no date", b"batch = 2020-02-31\n" + good
        return
    for place in range(1, 5):
        yield f"cut short at {place} fifths", good[: len(good) * place // 5]
    yield "deep and whole", b'{"schema_version": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    yield "twice", good.replace(b"{", b'{"schema_version": 1, ', 1)
    yield "unknown", good.replace(b"{", b'{"modles": 1, ', 1)
    for number in ("NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 5_000, "1" + "0" * 40):
        instead = b'{"tensors": %s, "t": [' % number.encode()
        yield number[:10], instead + good.partition(b"[")[2]
    for version in ("0", "9", "1.0", "true", "null", '"1"', "[1]", "1e0"):
        yield f"version {version}", re.sub(rb'"schema_version": \d+', b'"schema_version": ' + version.encode(), good)
    yield "no version", re.sub(rb'"schema_version": \d+,', b"", good, count=1)
    for text in ("null", "1", '"text"', "{}", "[[]]", "[null]"):
        yield text, text.encode()


@pytest.mark.parametrize("kind", COMMANDS)
def test_what_is_no_document_is_told(kind: str) -> None:
    for what, content in documents(kind):
        bad(kind).write_bytes(content)
        assert told(run(kind)), what


@pytest.mark.parametrize("kind", COMMANDS)
def test_what_is_no_file_is_told_and_not_waited_for(kind: str) -> None:
    path = bad(kind)
    path.mkdir()
    assert "it is a directory" in told(run(kind))
    path.rmdir()
    os.mkfifo(path)
    assert "it is no file" in told(run(kind))
    path.unlink()
    path.symlink_to("/dev/zero")
    assert "it is no file" in told(run(kind))
    path.unlink()
    path.symlink_to(path)
    told(run(kind))
    path.unlink()
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(path))
        told(run(kind))
    path.unlink()
    path.symlink_to("nowhere")
    assert "No such file" in told(run(kind))


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_file_beyond_all_bounds_is_not_read(kind: str) -> None:
    bad(kind).write_bytes(GOOD[kind].read_bytes())
    os.truncate(bad(kind), 2_000_000_000)  # sparse, it takes no space
    assert "larger than" in told(run(kind))


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_byte_order_mark_is_no_part_of_the_text(kind: str) -> None:
    bad(kind).write_bytes(b"\xef\xbb\xbf" + GOOD[kind].read_bytes())
    marked = run(kind)
    bad(kind).write_bytes(GOOD[kind].read_bytes())
    plain = run(kind)
    assert (marked.exit_code, marked.output) == (plain.exit_code, plain.output)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a document, of a list its first."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key in list(value)[:40] if isinstance(value, dict) else range(min(1, len(value))):
            yield from places(value[key], (*path, key))


@pytest.mark.parametrize("kind", JSON)
def test_every_value_may_be_wrong(kind: str) -> None:
    """Each place in turn holds each of these, or is missing: it is refused by a sentence, or the rest is read."""
    read = {
        "trace": Network.from_json,
        "report": Report.from_json,
        "baseline": _baseline,
        "experiment": functools.partial(Experiment.from_json, where="given"),
    }[kind]
    good = json.loads(GOOD[kind].read_bytes())
    outcomes = []
    for *path, last in places(good):
        inner = good
        for key in path:
            inner = inner[key]
        kept = inner[last]
        for value in (None, True, -1, 10**31, 0.5, "\ud800", [], {}, [[[]]]):
            inner[last] = value
            outcomes.append(refused(read, json.dumps(good)))
        if isinstance(inner, dict):
            del inner[last]
            outcomes.append(refused(read, json.dumps(good)))
        inner[last] = kept
    sentences = [outcome for outcome in outcomes if outcome is not None]
    assert len(sentences) > len(outcomes) / 2
    assert all(len(sentence) < 600 for sentence in sentences)


def _baseline(text: str) -> Baseline:
    return from_plain(Baseline, parse_versioned(text, 1, "given"), "given")


def refused(read: Any, text: str) -> str | None:
    try:
        read(text)
    except MacAuditError as error:
        return str(error)
    return None


def broken(**changes: Any) -> str:
    """The good trace with some of its parts changed by functions."""
    document = json.loads(GOOD["trace"].read_bytes())
    for part, change in changes.items():
        change(document[part])
    return json.dumps(document)


def first_operator(**changes: Any) -> Any:
    return lambda operators: operators[0].update(changes)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tensors": lambda found: found[0].update(shape=[1, -4])}, r"tensors\[0\]\.shape\[1\] should be from 0"),
        ({"tensors": lambda found: found[0].update(shape=[2**40] * 3)}, "more elements than any memory"),
        ({"tensors": lambda found: found[0].update(elements=-1)}, r"elements should be from 0"),
        ({"operators": first_operator(outputs=[10**6])}, "refers to tensor 1000000"),
        ({"operators": first_operator(mutates=[-1])}, r"mutates\[0\] should be from 0"),
        ({"operators": lambda found: found[0].update(after=found[-1]["outputs"])}, "before it is computed"),
        ({"operators": lambda found: found.reverse()}, "before it is computed"),
        ({"operators": lambda found: found[1].update(outputs=found[0]["outputs"])}, "two operators that compute one"),
        ({"operators": lambda found: found[1].update(name=found[0]["name"])}, "two operators of one name"),
        ({"operators": first_operator(layer="nowhere")}, "into a layer 'nowhere' that it lacks"),
        ({"layers": lambda found: found.append(found[0])}, "two layers of one path"),
        ({"layers": lambda found: found.pop(0)}, "lacks the layer of the model itself"),
        ({"inputs": lambda found: found.append(10**6)}, "refers to tensor 1000000"),
        ({"capture": lambda found: found.pop("method")}, "does not say the method"),
    ],
)
def test_a_trace_that_contradicts_itself_is_told(changes: Any, sentence: str) -> None:
    Path("bad.json").write_text(broken(**changes))
    assert re.search(sentence, told(run("trace")))


def test_a_finding_belongs_to_a_rule() -> None:
    document = json.loads(GOOD["report"].read_bytes())
    document["findings"][0]["code"] = "Z9"
    Path("bad.json").write_text(json.dumps(document))
    assert "a finding of 'Z9', but no such rule" in told(run("report"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda found: found.update(guideline="g7"), "guideline should be 'g1' or"),
        (lambda found: found.update(scans=[]), "has no scans"),
        (lambda found: found["scans"][1].update(points=[]), "a scan without networks"),
        (lambda found: found["scans"][0].update(width=0), r"scans\[0\]\.width should be from 1 "),
        (lambda found: found["scans"][0]["points"][1].update(here=0), r"points\[1\]\.here should be from 1e-06 "),
        (lambda found: found["scans"][0]["points"][1].update(here=1e-300), r"here should be from 1e-06 "),
        (lambda found: found["scans"][0]["points"][1].update(within=[0.1]), r"within should be a list of 2"),
        (lambda found: found["scans"][0]["points"][1].update(within=[2, 3]), "a speed outside its own interval"),
        (lambda found: found["scans"][0]["points"][0].update(here=0.5, within=[0.5, 0.5]), "first network is not"),
        (lambda found: found["scans"][0]["points"][1].update(amount=0), r"amount should be from 1 "),
        (lambda found: found["scans"][0]["points"][1]["paper"].pop("arm"), "without a speed on each of the paper's"),
        (lambda found: found.update(guideline="g4"), "reads neither one map nor two"),  # widths 1:4 are no maps
    ],
)
def test_an_experiment_that_cannot_be_is_told(change: Any, sentence: str) -> None:
    """Whatever device an audit is for, what was kept there is read: it must not become an error of our own."""
    document = json.loads(GOOD["experiment"].read_bytes())
    change(document)
    bad("experiment").write_text(json.dumps(document))
    assert re.search(sentence, told(run("experiment")))


def test_lines_that_a_trace_names_are_not_waited_for() -> None:
    """Comments are looked for in the files that a trace names; one that is no file is passed over."""
    os.mkfifo("pipe.py")
    text = GOOD["trace"].read_text().replace('"file": "/', f'"file": "{os.getcwd()}/pipe.py?')
    Path("pipe.json").write_text(re.sub(r"pipe\.py\?[^\"]*", "pipe.py", text))
    result = CliRunner().invoke(main, ["pipe.json", "-o", "json"])
    assert result.exit_code in (0, 1), result.stderr


class _Payload:
    def __init__(self, file: str) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return os.mkdir, (self.file,)


def test_an_exported_program_unpickles_nothing_but_tensors() -> None:
    """Neither the inputs nor the weights of a .pt2: torch.export would try again with any object."""
    program = torch.export.export(nn.Linear(2, 2), (torch.zeros(1, 2),))
    torch.export.save(program, "good.pt2")
    torch.save((({"x": _Payload("ran")},), {}), "payload")
    with zipfile.ZipFile("good.pt2") as good, zipfile.ZipFile("bad.pt2", "w") as archive:
        replaced = 0
        for name in good.namelist():
            spoiled = name.endswith(".pt")
            replaced += spoiled
            archive.writestr(name, Path("payload").read_bytes() if spoiled else good.read(name))
    assert replaced
    assert told(CliRunner().invoke(main, ["bad.pt2"]))
    assert not Path("ran").exists()
    with contextlib.suppress(Exception):  # the same file, as torch reads it by itself
        torch.export.load("bad.pt2")
    assert Path("ran").exists()

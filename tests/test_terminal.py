"""What a person sees at a terminal: how much of it, how wide, in which colours and letters."""

from __future__ import annotations

import io
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from dataclasses import replace
from fcntl import ioctl
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from rich.cells import cell_len
from torch import nn

import mac_audit
from mac_audit.capture import capture
from mac_audit.cli import main
from mac_audit.cli import progress as progress_module
from mac_audit.lower import lower
from mac_audit.report import Report, Snippet
from mac_audit.reporters import View, reporter
from mac_audit.reporters.folding import folds

table = reporter("table")


class Block(nn.Module):
    """A bottleneck: both of its convolutions break G1."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(width, width // 16, 1)
        self.widen = nn.Conv2d(width // 16, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.widen(torch.relu(self.narrow(x)))


class Stacked(nn.Module):
    """Five blocks, of which the third is another, and a layer that costs nothing."""

    def __init__(self) -> None:
        super().__init__()
        blocks = [Block(64), Block(64), nn.Conv2d(64, 64, 3, padding=1), Block(64), Block(64)]
        self.blocks = nn.Sequential(*blocks)
        self.nothing = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.nothing(self.blocks(x))


@pytest.fixture(scope="module")
def report() -> Report:
    return mac_audit.audit(Stacked(), torch.empty(1, 64, 8, 8), device="gtx-1080-ti")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A network in a file: it is audited without torch."""
    path = tmp_path_factory.mktemp("terminal") / "net.json"
    path.write_text(lower(capture(Stacked(), torch.empty(1, 64, 8, 8, device="meta"))).to_json(), encoding="utf-8")
    return str(path)


def test_alike_neighbours_are_one_row_with_the_cost_of_all(report: Report) -> None:
    rows = {fold.path: fold for fold in folds(report)}
    known = {row.path: row for row in report.layers}
    assert [path for path in rows if path.count(".") == 1] == ["blocks.0,1", "blocks.2", "blocks.3,4"]
    both = rows["blocks.0,1.widen"]
    assert both.whole.madds == known["blocks.0.widen"].madds + known["blocks.1.widen"].madds == 2 * 64 * 4 * 64
    assert both.whole.predicted_ms == pytest.approx(2 * (known["blocks.0.widen"].predicted_ms or 0))
    assert len({id(row) for fold in rows.values() for row in fold.layers}) == len(report.layers)
    assert [fold.path for fold in folds(report, folded=False)] == [row.path for row in report.layers]
    text = table([report], View())
    assert "\n    0,1 ×2 " in text
    assert "\n      narrow " in text
    assert "nothing" not in text.partition("Guidelines")[0]
    assert "×2" not in table([report], View(fold=False))


def test_forty_eight_alike_blocks_are_a_row() -> None:
    blocks = nn.Sequential(*[nn.Linear(8, 8) for _ in range(48)])
    text = table([mac_audit.audit(blocks, torch.empty(1, 8))], View())
    assert "\n  0…47 ×48  Linear  1×8     3.46 K  3.07 K" in text  # 48 × 72 parameters, 48 × 64 multiply-adds


@pytest.mark.parametrize("width", [40, 41, 57, 80, 99, 100, 160, 300])
@pytest.mark.parametrize(
    "snippet",
    [
        Snippet("    return ", "x + self.widen(torch.relu(self.narrow(x)))"),
        Snippet("\t\x1b[31m漢字 = ", "f(\u202e漢\x07)", "  # \x1b]0;title\x07"),
        Snippet("y = " + "very_" * 50, "long(" + "er, " * 50, "and more" * 50),
        Snippet("the whole line, nothing marked"),
        Snippet("", "", ""),
    ],
)
def test_marks_stand_below_the_expression_at_any_width(report: Report, snippet: Snippet, width: int) -> None:
    shown = replace(report, findings=(replace(report.findings[0], snippet=snippet),))
    lines = table([shown], View(width=width)).splitlines()
    assert all(char.isprintable() for line in lines for char in line)
    assert max(map(cell_len, lines)) <= width
    places = [i for i, line in enumerate(lines) if "^" in line]
    assert len(places) == bool(snippet.marked)
    for place in places:
        code, marks = lines[place - 1], lines[place]
        start = marks.index("^")
        below = [char for i, char in enumerate(code) if start <= cell_len(code[:i]) < cell_len(marks)]
        assert "".join(below)[:2] == snippet.marked[:2]
        assert len("".join(below)) > 3


def test_more_room_shows_more_columns(report: Report) -> None:
    def titles(width: int) -> list[str]:
        lines = table([report], View(width=width)).splitlines()
        return next(line for line in lines if line.startswith("  layer ")).split()

    assert titles(40) == ["layer", "MAC", "time", "of", "time"]
    assert {"type", "output", "madds", "MAC", "time"} <= set(titles(80))
    assert {"params", "bound", "constructed", "class"} <= set(titles(160))


def test_layers_that_read_and_write_nothing_have_no_shares(report: Report) -> None:
    def layers(shown: Report) -> str:
        return table([shown], View(width=160)).partition("Layers")[2].partition("Guidelines")[0]

    idle = replace(report, operators=tuple(replace(operator, mac_elements=0) for operator in report.operators))
    assert "pointwise-conv 100 %" in layers(report)
    assert "pointwise-conv" not in layers(idle)


def test_quiet_is_a_line_a_finding_and_the_verdict(report: Report) -> None:
    lines = table([report], View(detail="quiet", width=40)).splitlines()
    assert len(lines) == len({(found.code, found.source) for found in report.findings}) + 1
    found = report.findings[0]
    assert found.source is not None
    assert lines[0].startswith(f"{found.source.file}:{found.source.line}:")
    assert lines[-1].startswith("fail: G1")
    two = table([report, replace(report, name="other", findings=())], View(detail="quiet")).splitlines()
    assert two[-1].startswith("other: fail")


def test_verbose_names_every_layer_and_finding(report: Report) -> None:
    many = tuple(
        replace(report.findings[0], layer=f"layer.{i}", source=replace(report.findings[0].source, line=i))  # type: ignore[type-var]
        for i in range(1, 30)
    )
    shown = replace(report, findings=many)
    assert "layer.29" in table([shown], View(detail="verbose"))
    normal = table([shown], View())
    assert "layer.29" not in normal
    assert "23 more of 29 lines of G1: --verbose shows them" in normal


# --- the command ---------------------------------------------------------------------------------------------------


def in_terminal(*arguments: str, columns: int = 80, **environment: str) -> str:
    """What the command writes to a terminal that is ``columns`` wide, standard error and all."""
    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    clean = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "mac_audit", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**clean, "TERM": "xterm", **environment},
    )
    os.close(slave)
    written = b""
    try:
        while piece := os.read(master, 65536):
            written += piece
    except OSError:  # how Linux says that the other side has closed
        pass
    os.close(master)
    assert process.wait() == 1
    return written.decode()


def test_a_terminal_gets_its_width_and_colours(saved: str) -> None:
    text = in_terminal(saved, columns=46)
    assert "\x1b[1m" in text
    plain = in_terminal(saved, columns=46, NO_COLOR="1").splitlines()
    assert 40 < max(map(cell_len, plain)) <= 46
    assert "\x1b[3" not in "".join(plain)
    assert "\x1b" not in in_terminal(saved, TERM="dumb")


@pytest.mark.parametrize(
    ("environment", "colored"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True),
    ],
)
def test_what_is_piped_has_colours_when_asked_for(saved: str, environment: dict[str, str], colored: bool) -> None:
    names: dict[str, str | None] = dict.fromkeys(("COLUMNS", "NO_COLOR", "FORCE_COLOR"))
    result = CliRunner().invoke(main, [saved], env={**names, **environment})
    assert ("\x1b[" in result.stdout) is colored
    assert result.stderr == ""
    assert max(map(cell_len, result.stdout.splitlines())) <= 80 or colored


@pytest.mark.parametrize(
    ("encoding", "arguments"),
    [("ascii", ["NET"]), ("ascii", ["NET", "-o", "markdown"]), ("ascii", ["rule", "--all"]), ("latin-1", ["NET"])],
)
def test_what_an_encoding_lacks_is_spelled(saved: str, encoding: str, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "mac_audit", *(saved if name == "NET" else name for name in arguments)]
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "60"}
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.returncode in (0, 1), done.stderr
    text = done.stdout.decode(encoding)
    assert "\\u" not in text
    if arguments == ["NET"]:
        assert max(map(len, text.splitlines())) <= 60
        assert ("1x64x8x8 float32" if encoding == "ascii" else "1×64×8×8 float32") in text


def test_quiet_and_verbose_are_one_or_the_other(saved: str) -> None:
    assert "--quiet shows less" in CliRunner().invoke(main, [saved, "-q", "-v"]).stderr
    assert CliRunner().invoke(main, [saved, "-q"]).stdout.splitlines()[-1].startswith("fail: G1")


def test_an_interrupt_ends_with_one_line(saved: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mac_audit.job.run", interrupted)
    result = CliRunner().invoke(main, [saved])
    assert result.exit_code == 130
    assert result.stderr == "mac-audit: interrupted.\n"
    assert result.stdout == ""


class _Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(("terminal", "name"), [(True, "xterm"), (True, "dumb"), (False, "xterm")])
def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch, terminal: bool, name: str) -> None:
    stream = _Stream(terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress_module, "_AT_ONCE", 0)
    monkeypatch.setenv("TERM", name)
    monkeypatch.setenv("FORCE_COLOR", "1")
    seen: Callable[[], bool] = lambda: "auditing \\x1b[1mnet" in stream.getvalue()  # noqa: E731
    shown = terminal and name != "dumb"
    with progress_module.working("auditing \x1b[1mnet"):
        for _ in range(200 * shown):
            if seen():
                break
            time.sleep(0.05)
    assert seen() is shown
    assert bool(stream.getvalue()) is shown
    assert stream.getvalue().endswith("\x1b[2K") or not shown  # and then erased


def test_what_takes_no_time_shows_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = _Stream(terminal=True)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress_module, "_AT_ONCE", 3600)
    with progress_module.working("auditing"):
        pass
    assert "auditing" not in stream.getvalue()


def test_the_file_of_a_folded_report_is_the_same_every_time(report: Report, tmp_path: Path) -> None:
    assert table([report], View(width=160)) == table([Report.from_json(report.to_json())], View(width=160))

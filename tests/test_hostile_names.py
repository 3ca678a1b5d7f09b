"""Names that are out for harm, from a model's code to everything that is written of it.

Every installed format, and what diff, compare, sweep, trace and a baseline write, is read by somebody else's reader of
that kind of file: it finds as many parts as in what is written of the same model with decent names.
"""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from importlib.metadata import entry_points
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from markdown_it import MarkdownIt

from mac_audit.cli import main
from mac_audit.cli.compare import FORMATS as COMPARISONS
from mac_audit.cli.diff import FORMATS as DIFFS
from mac_audit.cli.sweep import FORMATS as SWEEPS
from tests.hostile_text import HOSTILE

FORMATS = sorted(entry.name for entry in entry_points(group="mac_audit.reporters"))
MODEL = """\
import torch
from torch import nn

NAMES = {names!r}
CLASSES = {classes!r}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        for name, kind in zip(NAMES, CLASSES):
            layer = type(kind, (nn.Conv2d,), {{}})(8, 64, 1)
            self.add_module(name, nn.Sequential(layer, nn.Conv2d(64, 8, 1)))

    def forward(self, x):
        for layer in self._modules.values():
            x = layer(x)
        return x


example_inputs = torch.empty(1, 8, 16, 16)
"""


def counted_json(text: str) -> object:
    """Kinds of values by their place, with any key for any other, and no number that is none."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    def shape(value: object) -> object:
        if isinstance(value, dict):
            return [shape(item) for item in value.values()]
        if isinstance(value, list):
            return [shape(item) for item in value]
        return type(value).__name__

    return shape(json.loads(text, parse_constant=refuse))


def counted_xml(text: str) -> object:
    return [element.tag for element in ElementTree.fromstring(text.encode()).iter()]


def counted_html(text: str) -> object:
    """Tags, less those of drawings, whose number depends on the length of texts."""
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            tags.append(f"{tag} {[name for name, _ in attrs]}")  # type: ignore[attr-defined]

    Reader().feed(text)
    return sorted(tags)


def counted_csv(text: str) -> object:
    """Rows and cells, none of which a spreadsheet takes for a formula."""
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    for cell in (cell for row in rows for cell in row):
        assert not re.match(r"[=+\-@\t\r](?![0-9.]*$)", cell), cell
    return [len(row) for row in rows]


def counted_markdown(text: str) -> object:
    return counted_html(re.sub("<!-- -->", "", MarkdownIt("commonmark").enable("table").render(text)))


def counted_dot(text: str) -> object:
    """Statements, by strings as the language has them: a quote inside has a backslash before it."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', text, flags=re.DOTALL).count("\n")


def counted_commands(text: str) -> object:
    """Workflow commands: lines that begin with two colons, and no others."""
    assert all(line.startswith("::") for line in text.split("\n")[:-1])
    return [line.split(" ")[0] for line in text.split("\n")]


def counted_nothing(text: str) -> object:
    """For people: what all formats hold to is all that there is."""
    del text
    return None


READERS: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(("json", "sarif", "gitlab", "chrome-trace", "trace", "baseline"), counted_json),
    **{"junit": counted_xml, "graphml": counted_xml, "html": counted_html, "csv": counted_csv},
    **{"markdown": counted_markdown, "dot": counted_dot, "github": counted_commands, "table": counted_nothing},
}


def audited(folder: Path, file: str, names: list[str], classes: list[str]) -> dict[str, str]:
    """What each command writes of the model, by the kind of file and the command."""
    folder.mkdir()
    (folder / file).write_text(MODEL.format(names=names, classes=classes), encoding="utf-8")

    def done(*arguments: str) -> str:
        ran = CliRunner().invoke(main, arguments)
        assert ran.exit_code in (0, 1), ran.stderr
        assert all(character.isprintable() or character == "\n" for character in ran.stderr)
        return ran.stdout_bytes.decode("utf-8")

    with contextlib.chdir(folder):
        texts = {"trace of trace": done("trace", file)}
        Path("net.json").write_text(texts["trace of trace"], encoding="utf-8")
        done("net.json", *(part for name in FORMATS for part in ("-o", f"{name}={name}.out")), "--device", "t4")
        texts |= {f"{name} of check": Path(f"{name}.out").read_bytes().decode("utf-8") for name in FORMATS}
        done("net.json", "--write-baseline", "mac-audit-baseline.json")
        texts["baseline of check"] = Path("mac-audit-baseline.json").read_bytes().decode("utf-8")
        Path("report.json").write_text(texts["json of check"], encoding="utf-8")
        texts |= {f"{name} of diff": done("diff", "net.json", "report.json", "-o", name) for name in DIFFS}
        texts |= {f"{name} of sweep": done(file, "--sweep", "batch=1,2", "-o", name) for name in SWEEPS}
        Path("other.json").write_text(texts["trace of trace"], encoding="utf-8")
        texts |= {
            f"{name} of compare": done("compare", "net.json", "other.json", "-o", name)
            for name in COMPARISONS
            if importlib.util.find_spec(f"mac_audit.reporters.compare_{name}")
        }
    return texts


NAMES = [text.replace(".", "·") for text in HOSTILE.values()]  # a module's name has no dot
CLASSES = [text.replace("\x00", "") for text in HOSTILE.values() if "\ud800" not in text] + ["Half", "Nul"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], dict[str, str]]:
    """What is written of the model with decent names, and with the others."""
    folder = tmp_path_factory.mktemp("names")
    decent = audited(folder / "decent", "decent_net.py", [f"name{i}" for i in range(len(NAMES))], ["Kind"] * len(NAMES))
    return decent, audited(folder / "hostile", "hostile_net.py", NAMES, CLASSES[: len(NAMES)])


def test_every_format_has_a_reader_here() -> None:
    """A new format is written with the hostile model too: say by whose reader it is judged."""
    assert set(FORMATS) <= READERS.keys()


def test_what_is_written_has_the_parts_that_it_has_with_decent_names(
    written: tuple[dict[str, str], dict[str, str]], subtests: pytest.Subtests
) -> None:
    decent, hostile = written
    assert decent.keys() == hostile.keys()
    for place in decent:
        with subtests.test(place):
            count = READERS[place.split()[0]]
            assert count(hostile[place]) == count(decent[place])


def test_what_is_written_is_printable_text(
    written: tuple[dict[str, str], dict[str, str]], subtests: pytest.Subtests
) -> None:
    """No control character, escape of a terminal, mark of direction or half of a pair, in any of them."""
    for place, text in written[1].items():
        with subtests.test(place):
            usual = {c for c in written[0][place] if not c.isprintable()}  # line ends, and what plotly's program holds
            assert {c for c in text if not c.isprintable()} <= usual
            assert "html" in place or usual <= set("\r\n")
            if place.split()[0] not in ("json", "trace", "baseline"):  # data, which is kept whole
                assert "x" * 1_000 not in text

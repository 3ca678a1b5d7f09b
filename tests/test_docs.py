"""The documentation shows what really happens: commands are run, Python is executed, links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click
import pytest
import refresh
import yaml
from blocks import Block, blocks, shell_commands, words, workflow_commands
from markdown_it import MarkdownIt
from running import Commands

from mac_audit import config
from mac_audit.cli import main

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = refresh.pages()
LANGUAGES = {"console", "sh", "python", "toml", "yaml", "text"}

# Commands of `sh` blocks that are run elsewhere, or nowhere, and why.
ELSEWHERE = {
    "python3 -m venv": "CI makes its environment so",
    ".venv/bin/pip install": "CI installs so, with the test extra",
    ".venv-test/bin/pip install": "CI runs it",
    ".venv-test/bin/python -m pytest": "CI runs it",
    ".venv-test/bin/ruff": "CI runs it",
    ".venv-test/bin/mypy": "CI runs it",
    ".venv-test/bin/python -m tests.corpus": "takes most of an hour; the tests run a varied few of its models",
    ".venv-test/bin/python docs/refresh.py": "the tests of this file do what it does",
    ".venv-test/bin/python docs/gallery.py": "takes minutes and a browser; its pictures are looked at by people",
    ".venv-test/bin/python tests/golden/refresh.py": "tests/test_golden.py does what it does",
    "python -m tests.corpus": "as above",
    "pip install": "tests/test_example_package.py installs the package that is meant",
}
# Commands of mac-audit that measure for minutes: their options are parsed.
SLOW = {"calibrate", "experiment", "measure", "prove"}


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


each_page = pytest.mark.parametrize("page", PAGES, ids=named)


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    with Commands() as running:
        yield running


@each_page
def test_output_is_real(page: Path, commands: Commands) -> None:
    text = page.read_text(encoding="utf-8")
    assert refresh.refreshed(text, commands) == text, "run python docs/refresh.py"


def test_rule_pages_are_the_docstrings() -> None:
    written = {path: path.read_text(encoding="utf-8") for path in (DOCS / "rules").glob("*.md")}
    assert written == refresh.rule_pages(), "run python docs/refresh.py"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository like those that the pages speak of: a ``model.py`` that changed since main, and a configuration."""
    example = (DOCS / "examples" / "bottleneck.py").read_text(encoding="utf-8")
    (tmp_path / "model.py").write_text(example)
    (tmp_path / "mac-audit.toml").write_text('[[model]]\nname = "model"\ntarget = "model.py"\n')
    who = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    for arguments in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        ("commit", "-q", "-m", "as it was"),
        ("update-ref", "refs/remotes/origin/main", "HEAD"),
    ):
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True)
    (tmp_path / "model.py").write_text(example.replace("range(2)", "range(1)"))
    return tmp_path


@each_page
def test_commands_run(page: Path, project: Path, commands: Commands) -> None:
    """Those whose output the page does not show, in the order of the page; none may fail."""
    text = page.read_text(encoding="utf-8")
    followed = any("file" in block.keys for block in blocks(text))  # by test_output_is_real, with the page's own files
    for block in blocks(text):
        for command in _unshown(block):
            name, *arguments = command
            if Path(name).name != "mac-audit":
                told = " ".join(command)
                assert any(told.startswith(known) for known in ELSEWHERE), f"nobody runs {told}"
                assert all((ROOT / word).exists() for word in arguments if word.endswith(".py")), told
            elif arguments and arguments[0] in SLOW:
                parsed(arguments)
            elif not followed:
                done = commands.run(arguments, project)
                assert done.status in (0, 1), f"{' '.join(command)}: {done.stderr}"


def _unshown(block: Block) -> list[list[str]]:
    if block.language == "sh":
        return list(shell_commands(block.body))
    return list(workflow_commands(block.body)) if block.language == "yaml" else []


def parsed(arguments: list[str]) -> None:
    """As click reads them, without doing it."""
    with main.make_context("mac-audit", list(arguments)) as context:
        _, command, rest = main.resolve_command(context, [*context.protected_args, *context.args])
        assert command is not None
        command.make_context(command.name, rest, parent=context)


@each_page
def test_commands_in_the_text_exist(page: Path) -> None:
    """``mac-audit prove model.py --finding N`` has placeholders: the command and its options are looked up."""
    options = {name: option_names(command) for name, command in main.commands.items()}
    for span in _code_spans(page.read_text(encoding="utf-8")):
        if span.startswith("mac-audit "):
            name, *_ = arguments = words(span)[1:]
            known = options.get(name, options["check"]) | {"--help", "--version"}
        elif span.startswith("--"):
            arguments, known = words(span), set().union(*options.values(), OF_OTHERS)
        else:
            continue
        given = {word.split("=")[0] for word in arguments if word.startswith("-")}
        assert given <= known, f"`{span}` has no {given - known}"


OF_OTHERS = {"--afresh", "--only"}  # of docs/accuracy.py


def option_names(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}


def _code_spans(text: str) -> Iterator[str]:
    for token in MarkdownIt().enable("table").parse(text):
        yield from (child.content for child in token.children or () if child.type == "code_inline")


@each_page
def test_blocks_are_what_they_say(page: Path, tmp_path: Path) -> None:
    """Python is executed, or stands in a file; TOML and YAML can be read, a configuration by mac-audit."""
    for block in blocks(page.read_text(encoding="utf-8")):
        assert block.language in LANGUAGES, f"no test looks at {block.language}"
        if source := block.keys.get("from"):
            assert _dedented(block.body) in _dedented((DOCS / source).read_text(encoding="utf-8")), source
        elif "file" in block.keys:
            continue  # the commands of the page find it where it is told to be
        elif block.language == "python":
            exec(compile(block.body, str(page), "exec"), {"__name__": "documentation"})
        elif block.language == "toml":
            if "project" not in tomllib.loads(block.body):
                (tmp_path / "mac-audit.toml").write_text(block.body)
                config.read(tmp_path / "mac-audit.toml")
        elif block.language == "yaml":
            assert yaml.safe_load(block.body)
        elif block.language == "text":
            assert "mac-audit " not in block.body, "a command belongs into a console or sh block"


def _dedented(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines())


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")):
        for child in token.children or ():
            link = child.attrGet("href") or child.attrGet("src")
            if link is None or re.match(r"\w+:", str(link)):
                continue
            path, _, anchor = str(link).partition("#")
            target = (page.parent / path) if path else page
            assert target.exists(), link
            assert not anchor or anchor in _anchors(target), link


@each_page
def test_files_that_are_named_exist(page: Path) -> None:
    for span in _code_spans(page.read_text(encoding="utf-8")):
        if re.fullmatch(r"(mac_audit|rules|tests|docs)/[\w./-]*", span):
            assert (ROOT / span).exists(), span


def _anchors(page: Path) -> set[str]:
    """Of headings, as GitHub makes them."""
    tokens = MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))
    titles = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@each_page
def test_no_section_is_there_twice(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    titles = re.findall(r"^#+ .*$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), flags=re.M)
    assert len(titles) == len(set(titles))


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    listed = {(DOCS / link).resolve() for link in re.findall(r"\]\(([^)#:]+)\)", index)}
    assert {page for page in PAGES if page.parent == DOCS and page.name != "README.md"} <= listed


def test_readme_has_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "mac-audit zoo:shufflenet_v2_x1_0" in readme
    assert "<!-- test-command -->" in readme

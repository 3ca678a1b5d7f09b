"""Hostile text stays text: markdown-it reads what we escape, and gives back what we had."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mac_audit.reporters import escape

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
TEXTS = st.text(st.sampled_from("ab1 \t\n\x1b\u202e\\`*_{}[]<>()#+-=.!|~&:@$/é\x00"), max_size=30)


def shown(html: str) -> str:
    """What a reader of the page sees."""
    return unescape(re.sub(r"<!-- -->", "", html))


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("plain, with × and é", "plain, with × and é"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("two\r\nlines\tand", "two lines and"),
        ("evil\u202etxt.exe", "evil\\u202etxt.exe"),
        ("nul\x00bell\x07", "nul\\x00bell\\x07"),
        ("half\ud800surrogate", "half\\ud800surrogate"),
        ("zero\u200bwidth\u2028line", "zero\\u200bwidth\\u2028line"),
    ],
)
def test_visible(text: str, visible: str) -> None:
    assert escape.visible(text) == visible


def test_long_text_keeps_both_ends() -> None:
    cut = escape.visible("start." + "x" * 10_000 + ".weight")
    assert len(cut) <= escape.LONGEST
    assert cut.startswith("start.")
    assert cut.endswith(".weight")


@given(st.text())
def test_visible_is_printable_and_says_so_once(text: str) -> None:
    assert escape.visible(text).isprintable()
    assert escape.visible(escape.visible(text)) == escape.visible(text)


def test_clean_reaches_every_text() -> None:
    assert escape.clean({"a\n": ("b\x00", [1, None, "c\x1b"])}) == {"a ": ("b\\x00", [1, None, "c\\x1b"])}


@given(TEXTS)
def test_markdown_reads_as_the_text(text: str) -> None:
    expected = " ".join(escape.visible(text).split())
    paragraph = READER.render(escape.markdown(text))
    assert " ".join(shown(re.sub(r"^<p>|</p>$", "", paragraph.strip())).split()) == expected
    cell = READER.render(f"| a | b |\n| --- | --- |\n| {escape.markdown(text)} | end |\n")
    first, last = re.findall(r"<td>(.*?)</td>", cell)
    assert " ".join(shown(first).split()) == expected
    assert last == "end"


@given(TEXTS.filter(str.strip))
def test_code_is_the_text(text: str) -> None:
    span = READER.render(escape.code(text)).strip().removeprefix("<p>").removesuffix("</p>")
    cell = READER.render(f"| a | b |\n| --- | --- |\n| {escape.code_cell(text)} | end |\n")
    first, last = re.findall(r"<td>(.*?)</td>", cell)
    assert last == "end"
    for read in (span, first):
        assert re.fullmatch(r"<code>[^<>]*</code>", read)
        assert unescape(read[6:-7]).split() == escape.visible(text).split()


def test_github_links_are_broken() -> None:
    assert escape.markdown("@user #1 www.evil.example") == "@<!-- -->user #<!-- -->1 www<!-- -->.evil.example"


@pytest.mark.parametrize("character", ["%", "\r", "\n"])
def test_github_escapes_as_the_toolkit_does(character: str) -> None:
    """https://github.com/actions/toolkit, packages/core/src/command.ts: a percent sign and two hexadecimal digits."""
    coded = f"%{ord(character):02X}"
    assert escape.github_message(f"a{character}b") == f"a{coded}b"
    assert escape.github_property(f"a{character}b:,") == f"a{coded}b%3A%2C"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a [1, 2] kernel", "a [1, 2] kernel"),
        ("see [here](https://evil.example)", r"see [here\](https://evil.example)"),
        (r"see [here\](https://evil.example)", r"see [here\\\](https://evil.example)"),
        ("{0}", "{{0}}"),
    ],
)
def test_sarif_messages_have_no_placeholders_and_no_links(text: str, message: str) -> None:
    assert escape.sarif(text) == message

"""Text from a model, a file or a rule, made harmless: the one place for it.

Names of layers, messages and paths come from code that nobody vouches for. ``visible`` leaves one printable line of
bounded length; what a format reads as markup is escaped on top of that, by the function named after the format.
(XML and JSON escape by their libraries, HTML by ``html.escape``.)
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any, TypeVar, cast

T = TypeVar("T")

LONGEST = 400  # characters of one text; a module path or a message that is longer tells nothing more
_HEAD, _TAIL = 250, 140  # what is kept of a longer one: the end holds a layer's own name
_SPACE = re.compile(r"[\t\n\r]+")
_MARKUP = re.compile(r"[\\`*_\[\]<>&|~$]|:(?=\S)")  # of CommonMark and of GitHub's extensions, wherever it stands
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")  # where a spreadsheet starts to compute, also full width
_BLOCK = re.compile(r"^(\d*)([-+=#.)])(?=[\s#=-]|$)")  # what makes a list, a heading or a line where it stands first
_LINKED = re.compile(r"([@#]|\bwww)(?=[\w.])")  # GitHub links @name, #1 and www.name, whatever backslash precedes


def printable(text: str) -> str:
    """One line: control characters, ANSI escapes, marks that turn the direction of reading as ``\\x1b``."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _code_point(char) for char in _SPACE.sub(" ", text))


def printable_lines(text: str) -> str:
    """``printable`` line by line, each after a bar, so that none begins with a command of CI's."""
    return "".join(f"| {printable(line)}\n" for line in text.splitlines())


def visible(text: str) -> str:
    """``printable``, and no longer than ``LONGEST``."""
    text = printable(text)
    return text if len(text) <= LONGEST else f"{text[:_HEAD]} … {text[-_TAIL:]}"


def paragraphs(text: str) -> str:
    """``visible`` line by line, for documentation."""
    return "\n".join(map(visible, text.splitlines()))


def clean(value: T) -> T:
    """``value`` with every text in it ``visible``, through dataclasses, tuples, lists and dicts."""
    return cast(T, _clean(value))


def markdown(text: str) -> str:
    """Prose that renders as the text that it is, in markdown with GitHub's extensions, also in a table."""
    escaped = _BLOCK.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", visible(text).strip()))
    return _LINKED.sub(r"\1<!-- -->", escaped)


def code(text: str) -> str:
    """A code span of markdown: nothing in it is markup, a mention or a link."""
    text = visible(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{fence}{space}{text}{space}{fence}" if text.strip() else "–"


def code_cell(text: str) -> str:
    """``code`` in a table, where a bar ends the cell also inside a code span."""
    return code(text).replace("|", "\\|")


def github_message(text: str) -> str:
    """The message of a workflow command, as GitHub's toolkit escapes it (actions/toolkit, command.ts)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def github_property(text: str) -> str:
    """The value of a property of a workflow command, likewise."""
    return github_message(text).replace(":", "%3A").replace(",", "%2C")


def sarif(text: str) -> str:
    """A SARIF message: braces are placeholders there, ``[a](b)`` is a link (SARIF 2.1.0, 3.11.5 and 3.11.6)."""
    return re.sub(r"(\\*)\](?=\()", r"\1\1\\]", visible(text)).replace("{", "{{").replace("}", "}}")


def csv_text(text: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, *CSV Injection*); what quotes it is the csv module."""
    text = visible(text)
    return f"'{text}" if _FORMULA.match(text) else text


def dot(*lines: str) -> str:
    """A quoted string of Graphviz in which backslashes make lines and entities characters; a line for each text."""
    texts = (visible(line).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(texts) + '"'


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, tuple | list):
        return type(value)(map(_clean, value))
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = (field.name for field in dataclasses.fields(value))
        return type(value)(**{name: _clean(getattr(value, name)) for name in names})
    return value


def _code_point(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")

"""The code blocks of a page, and the commands in them.

What stands behind the language of a block is for the tests: ``file=net.py`` is a file that the reader is told to
write, ``from=examples/net.py`` quotes a file of this folder.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

FENCE = re.compile(r"^```(?P<info>\w[^\n]*)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^\$ (?P<command>(?:[^\n]*\\\n)*[^\n]*)\n(?P<output>(?:(?!\$ )[^\n]*\n)*)", re.MULTILINE)
CUT = "…"  # a line that stands for the rest of an output


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, the words behind it as ``key=value``, its text."""

    language: str
    keys: dict[str, str]
    body: str


def block(match: re.Match[str]) -> Block:
    """What ``FENCE`` matched."""
    language, *words = match["info"].split()
    return Block(language, dict(word.split("=", 1) for word in words), match["body"])


def blocks(text: str) -> list[Block]:
    """Those of a page, in its order."""
    return [block(match) for match in FENCE.finditer(text)]


def words(command: str) -> list[str]:
    """As a shell splits a command that may go over several lines, without its comment."""
    return shlex.split(command.replace("\\\n", " "), comments=True)


def shell_commands(body: str) -> Iterator[list[str]]:
    """The commands of a ``sh`` block, those between ``&&`` one by one."""
    for line in body.replace("\\\n", " ").splitlines():
        for part in line.split("&&"):
            if found := words(part):
                yield found


def workflow_commands(body: str) -> Iterator[list[str]]:
    """The commands of mac-audit that a workflow runs, or that the arguments of its action stand for."""
    for key, value in _entries(yaml.safe_load(body)):
        if key in ("run", "script"):
            for command in shell_commands("\n".join(value) if isinstance(value, list) else value):
                if command[0] == "mac-audit":
                    yield command
        elif key == "args":
            yield ["mac-audit", "check", *words(value)]


def _entries(content: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield str(key), value
            yield from _entries(value)
    elif isinstance(content, list):
        for value in content:
            yield from _entries(value)

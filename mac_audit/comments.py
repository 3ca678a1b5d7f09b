"""Comments that ask for silence: ``# mac-audit: ignore[G1] reason``, read with ``tokenize``.

Rules are named by code or name, several with commas between; without brackets all are meant. A comment speaks of the
lines of its statement (the head alone of one that holds others). Within a statement of several lines it speaks of the
innermost call around it, so that one layer of an ``nn.Sequential`` can be meant.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

_MARK = "mac-audit:"
_COMMENT = re.compile(r"#\s*mac-audit:\s*ignore(?:\s*\[(?P<rules>[^\]]*)\]|(?!\w|\s*\[))[\s:,–-]*(?P<reason>.*)")


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment: the rules that it names (none: all), and the lines that it speaks of, first and last.

    ``block`` are the first and last line of the top-level statement around it. One that is not understood is not
    ``valid`` and speaks of nothing.
    """

    line: int
    rules: tuple[str, ...]
    reason: str
    lines: tuple[int, int]
    block: tuple[int, int]
    valid: bool = True


def read(text: str) -> list[Comment]:
    """The comments of ours in Python code; none in text that is no Python."""
    if _MARK not in text:
        return []  # most files; spares the parsing
    try:
        tree = ast.parse(text)
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (
        SyntaxError,
        ValueError,
        tokenize.TokenError,
        RecursionError,
        MemoryError,
    ):  # nested too deep is the last two
        return []
    found = []
    for token in tokens:
        if token.type == tokenize.COMMENT and _MARK in token.string:
            line = token.start[0]
            match = _COMMENT.search(token.string)
            rules = tuple(name for part in ((match and match["rules"]) or "").split(",") if (name := part.strip()))
            empty = match is not None and match["rules"] is not None and not rules
            found.append(
                Comment(
                    line=line,
                    rules=rules,
                    reason=match["reason"].strip() if match else "",
                    lines=_meant(tree, line),
                    block=_span(tree.body, line),
                    valid=match is not None and not empty,
                )
            )
    return found


def _meant(tree: ast.Module, line: int) -> tuple[int, int]:
    statements = (node for node in ast.walk(tree) if isinstance(node, ast.stmt))
    heads = [span for node in statements if (span := _head(node))[0] <= line <= span[1]]
    if not heads:
        return line, line
    statement = min(heads, key=_length)
    if line in statement:
        return statement
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return min([*_around(calls, line), statement], key=_length)


def _head(statement: ast.stmt) -> tuple[int, int]:
    """The lines of a statement without its decorators and body."""
    inside = getattr(statement, "body", None) or getattr(statement, "cases", None)
    last = statement.end_lineno or statement.lineno
    if inside:
        first = inside[0].pattern if isinstance(inside[0], ast.match_case) else inside[0]
        last = max(statement.lineno, _start(first) - 1)
    return statement.lineno, last


def _start(node: ast.pattern | ast.stmt) -> int:
    """The first line of a statement, that of its first decorator where it has one."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _around(nodes: Iterator[ast.Call], line: int) -> Iterator[tuple[int, int]]:
    for node in nodes:
        last = node.end_lineno or node.lineno
        if node.lineno <= line <= last:
            yield node.lineno, last


def _span(statements: list[ast.stmt], line: int) -> tuple[int, int]:
    """The lines of the statement in which ``line`` lies."""
    spans = ((_start(statement), statement.end_lineno or statement.lineno) for statement in statements)
    return next((span for span in spans if span[0] <= line <= span[1]), (line, line))


def _length(span: tuple[int, int]) -> int:
    return span[1] - span[0]

"""Standard output is for results: what a model's code prints goes to standard error."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from collections.abc import Iterator

import click

_SPELLED = "mac_audit.spelled"
_ASCII = {
    **{"×": "x", "÷": "/", "·": ".", "–": "-", "−": "-", "—": "-", "…": "~", "µ": "u", "≥": ">", "≤": "<", "²": "2"},
    **{
        "³": "3",
        "→": "->",
        "√": "sqrt",
        "∏": "prod ",
        "━": "=",
        "╸": "-",
        "❌": "x",
        "✅": "+",
        "⚠": "!",
        "\ufe0f": " ",
    },
}


@contextlib.contextmanager
def kept_for_results() -> Iterator[None]:
    """Meanwhile Python's prints and those of processes that are started here go to standard error."""
    with contextlib.ExitStack() as stack:
        if sys.__stdout__ is not None:
            sys.__stdout__.flush()
        with contextlib.suppress(OSError):  # one of the two may be closed
            kept = os.dup(1)
            stack.callback(os.close, kept)
            os.dup2(2, 1)
            stack.callback(os.dup2, kept, 1)
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        yield


def replaced_where_it_has_no_letter() -> None:
    """Let what the encodings of standard output and error lack be spelled in ASCII, where they would raise."""
    codecs.register_error(_SPELLED, _spelled)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_SPELLED)


def show(text: str, nl: bool = True, color: bool | None = None) -> None:
    """Print a result. (Where an encoding is ASCII, ``click.echo`` writes UTF-8 all the same, unless it has a file.)"""
    click.echo(text, file=sys.stdout, nl=nl, color=color)


def encodable(text: str) -> bool:
    """Whether standard output has every character of ``text``."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """An error handler of ``codecs``: the characters in ASCII, or with a backslash."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    spelled = (_ASCII.get(char) or char.encode("ascii", "backslashreplace").decode() for char in lacking)
    return "".join(spelled), error.end

"""Standard output is for results, whatever its encoding."""

from __future__ import annotations

import codecs
import io
import sys

import click

from mac_audit.errors import MacAuditError

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


def replaced_where_it_has_no_letter() -> None:
    """Let what the encodings of standard output and error lack be spelled in ASCII, where they would raise."""
    codecs.register_error(_SPELLED, _spelled)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_SPELLED)


def show(text: str, nl: bool = True, color: bool | None = None) -> None:
    """Print a result. (Where an encoding is ASCII, ``click.echo`` writes UTF-8 all the same, unless it has a file.)"""
    if sys.stdout is None:
        raise MacAuditError("Standard output is closed; open it, or name a file with -o FORMAT=FILE.")
    try:
        click.echo(text, file=sys.stdout, nl=nl, color=color)
    except BrokenPipeError:
        raise  # nobody reads on
    except OSError as error:
        raise MacAuditError(f"Standard output cannot be written: {error.strerror}.") from None


def encodable(text: str) -> bool:
    """Whether standard output has every character of ``text``."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
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

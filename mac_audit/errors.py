"""The one family of errors: each text is a sentence that says what is wrong, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MacAuditError(Exception):
    """Something that keeps the audit from happening, told to the person who can mend it."""


def nearest(name: str, known: Iterable[str]) -> str:
    """`` Did you mean limit?`` for a name that is not among ``known``; nothing where none is near."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""

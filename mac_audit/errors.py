"""The one family of errors: each text is a sentence that says what is wrong, where, and what to do."""

from __future__ import annotations


class MacAuditError(Exception):
    """Something that keeps the audit from happening, told to the person who can mend it."""

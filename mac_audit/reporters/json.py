"""The report as JSON, described by ``report.schema.json``."""

from __future__ import annotations

from collections.abc import Sequence

from mac_audit.report import Report
from mac_audit.reporters import View


def render(reports: Sequence[Report], view: View) -> str:
    """One report's document, or a list of them, with a final newline; the same reports give the same bytes."""
    del view
    return joined([report.to_json() for report in reports])


def joined(documents: Sequence[str]) -> str:
    """One document as it is, several as a list."""
    return documents[0] if len(documents) == 1 else "[" + ",\n".join(text.rstrip() for text in documents) + "]\n"

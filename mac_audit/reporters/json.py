"""The report as JSON, described by ``report.schema.json``."""

from __future__ import annotations

from mac_audit.report import Report
from mac_audit.reporters import View


def render(report: Report, view: View) -> str:
    """One document with a final newline; the same report gives the same bytes."""
    del view
    return report.to_json()

"""The report in a notebook: the markdown of ``-o markdown``, as HTML."""

from __future__ import annotations

from markdown_it import MarkdownIt

from mac_audit.report import Report
from mac_audit.reporters import View
from mac_audit.reporters.markdown import render


def html(report: Report) -> str:
    """A fragment of HTML; what comes from the model is text in it, as it is in the markdown."""
    text: str = MarkdownIt("commonmark").enable("table").render(render([report], View()))
    return text

"""A comparison as JSON, described by ``comparison.schema.json``."""

from __future__ import annotations

from collections.abc import Sequence

from mac_audit.comparison import Comparison
from mac_audit.reporters import View
from mac_audit.reporters.json import joined


def render(comparisons: Sequence[Comparison], view: View) -> str:
    """The document, with a final newline."""
    del view
    return joined([comparison.to_json() for comparison in comparisons])

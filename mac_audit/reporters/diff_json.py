"""What changed, as JSON: every field of ``mac_audit.diff.Diff``."""

from __future__ import annotations

from collections.abc import Sequence

from mac_audit.diff import Diff
from mac_audit.reporters import View
from mac_audit.reporters.json import joined


def render(diffs: Sequence[Diff], view: View) -> str:
    """One diff's document, or a list of them, with a final newline."""
    del view
    return joined([diff.to_json() for diff in diffs])

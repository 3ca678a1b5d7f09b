"""A sweep as JSON: every point with its totals, classes and rules."""

from __future__ import annotations

from collections.abc import Sequence

from mac_audit.reporters import View
from mac_audit.reporters.json import joined
from mac_audit.sweep import Sweep


def render(sweeps: Sequence[Sweep], view: View) -> str:
    """One sweep's document, or a list of them, with a final newline."""
    del view
    return joined([sweep.to_json() for sweep in sweeps])

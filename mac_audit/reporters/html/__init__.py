"""The report as a page to look at: one file, for a browser without a network.

``page`` is the skeleton that every page shares, ``data`` what this one is drawn from, ``graph`` where operators stand
in the picture of the architecture. Each view is a script of its own beside them.
"""

from __future__ import annotations

from collections.abc import Sequence

from mac_audit.report import Report
from mac_audit.reporters import View
from mac_audit.reporters.escape import visible
from mac_audit.reporters.html.data import model
from mac_audit.reporters.html.page import page

VIEWS = (
    *("rows.js", "summary.js", "findings.js", "pictures.js", "treemap.js", "decomposition.js", "roofline.js"),
    *("timeline.js", "graph.js", "layers.js", "report.js"),
)


def render(reports: Sequence[Report], view: View) -> str:
    """One page, with a chooser where there are several models; the same reports give the same bytes."""
    del view
    names = [visible(report.name or report.target) for report in reports]
    title = names[0] if len(names) == 1 else f"{len(names)} models"
    return page(f"{title} – mac-audit", {"models": [model(report) for report in reports]}, VIEWS)

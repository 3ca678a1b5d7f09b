"""A comparison as a page: costs against times on each device, the pairs that a cost gets wrong, the verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from mac_audit.comparison import Comparison
from mac_audit.plain import to_plain
from mac_audit.reporters import View
from mac_audit.reporters.comparing import agreement, codes, expected, inputs, legend, same_inputs, value
from mac_audit.reporters.escape import clean
from mac_audit.reporters.html.page import page


def render(comparisons: Sequence[Comparison], view: View) -> str:
    """The page, with a final newline; the same comparison gives the same bytes."""
    del view
    (comparison,) = map(clean, comparisons)
    told = {
        "codes": codes(comparison),
        "values": [[value(rule) for rule in model.rules] for model in comparison.models],
        "inputs": [inputs(model) for model in comparison.models],
        "alike": same_inputs(comparison),
        "agreements": [agreement(order) for order in comparison.orders],
        "expected": [expected(device) for device in comparison.devices],
        "legend": list(legend(comparison)),
    }
    title = f"mac-audit: {len(comparison.models)} models compared"
    return page(title, {"comparison": to_plain(comparison), "told": told}, ["rows.js", "compare.js"])

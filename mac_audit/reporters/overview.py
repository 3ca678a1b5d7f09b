"""One line a model, for lists of models: cost, and the value of each guideline with a mark where it fails."""

from __future__ import annotations

from mac_audit.report import Report, RuleResult
from mac_audit.units import count

CODES = ("G1", "G2", "G3", "G4")


def heading() -> str:
    """The titles of the columns."""
    return f"{'network':23}{'input':>8}{'params':>8}{'madds':>8}{'MAC':>8}" + "".join(f"{code:>7} " for code in CODES)


def row(report: Report) -> str:
    """The line of one report, by the name of its target; its input is one image tensor (N, C, H, W)."""
    totals = report.totals
    rules = {rule.code: rule for rule in report.rules}
    verdicts = "".join(f"{_value(rules.get(code))}" for code in CODES)
    madds = ("≥" if totals.lower_bound else "") + count(totals.madds)
    costs = f"{count(totals.params):>8}{madds:>8}{count(totals.mac_elements):>8}"
    batch, _, side, _ = report.inputs[0].shape
    return f"{report.target:23}{f'{batch}×{side}²':>8}{costs}{verdicts}".rstrip()


def legend() -> str:
    """What marks and units mean."""
    return (
        "! breaks the guideline; – has nothing that it judges. Executed as folded.\n"
        "input: batch × side². madds: multiply-adds. MAC: memory access cost in elements."
    )


def _value(rule: RuleResult | None) -> str:
    if rule is None or rule.value is None:
        return f"{'–':>7} "
    return f"{rule.value:7.3f}{'!' if rule.verdict == 'fail' else ' '}"

"""Report: the result of an audit as plain data; its JSON is the tool's interface.

Attributes are named as the JSON's keys (``report.totals.mac_bytes``). ``report.schema.json`` beside this file
describes them; ``CONVENTIONS`` are the sentences that every rendering states.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mac_audit.errors import MacAuditError
from mac_audit.evidence import Evidence
from mac_audit.network import HOW, Shape
from mac_audit.plain import Amount, Count, Place, from_plain, parse_json, shown, to_plain, versioned
from mac_audit.units import Unit

SCHEMA_VERSION = 1

CONVENTIONS = {
    "madds": "multiply-adds of convolutions, matrix products and attention, each counted once",
    "flops": {
        "paper": "FLOPs = multiply-adds, as the ShuffleNetV2 paper counts",
        "torch": "FLOPs = 2 × multiply-adds, as torch.utils.flop_counter counts",
    },
    "mac": "MAC = memory access cost, not multiply-accumulates: each operand read once, each result written once",
    "execution": {
        "eager": "eager: every operator is one kernel",
        "folded": "folded: batch norms folded into the layers before them, unread results not written",
        "fused": "fused: folded, and element-wise operators run in the kernels of what they follow",
    },
}

Verdict = Literal["pass", "fail", "not-applicable", "error"]
Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")  # the gravest first
Bound = Literal["compute", "memory", "launch"]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of code; ``file`` is relative to the working directory where it lies inside."""

    file: str
    line: Place


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Name, shape and dtype of an input."""

    name: str
    shape: Shape
    dtype: str


@dataclass(frozen=True, slots=True)
class Totals:
    """The whole model. With ``lower_bound``, operators without a formula add unknown arithmetic.

    ``predicted_ms``, here and below, is None where no device was named.
    """

    params: Count
    madds: Count
    flops: Count
    other_ops: Count
    mac_elements: Count
    mac_bytes: Count
    reads_activation: Count
    reads_weight: Count
    writes: Count
    operators: Count
    lower_bound: bool
    predicted_ms: Amount | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Operators of one kind that have no formula, with the lines that call them."""

    target: str
    count: Count
    sources: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many operators have exact arithmetic, cost nothing, or are unknown."""

    exact: Count
    free: Count
    unknown: tuple[Unknown, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassCost:
    """The cost of one class of operator, or of a layer alone. ``lower_bound`` as in ``Totals``."""

    madds: Count
    mac_elements: Count
    mac_bytes: Count
    operators: Count
    predicted_ms: Amount | None = None
    lower_bound: bool = False


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A module. Figures include the layers inside it; ``own`` is what its own operators cost alone.

    The root has the empty path. Shapes are those of the first call. ``leaf``: no layer inside it. ``lower_bound``: an
    operator in it adds unknown arithmetic.
    """

    path: str
    type: str
    source: Line | None
    params: Count
    madds: Count
    mac_elements: Count
    mac_bytes: Count
    calls: Count
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    depth: Count
    leaf: bool
    classes: tuple[str, ...]
    own: ClassCost
    own_params: Count
    predicted_ms: Amount | None = None
    bound: Bound | None = None
    lower_bound: bool = False


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """One operator that does something, in the order of execution.

    ``after`` are the positions, among the report's operators, of those whose results it reads.
    """

    name: str
    target: str
    layer: str
    kind: str
    coverage: Literal["exact", "unknown"]
    madds: Count
    other_ops: Count
    reads_activation: Count
    reads_weight: Count
    writes: Count
    mac_elements: Count
    mac_bytes: Count
    source: Line | None
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    predicted_ms: Amount | None = None
    bound: Bound | None = None
    after: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A part of the network with one way in and one way out, as ``mac_audit.structure`` draws its borders.

    ``operators`` are positions among the report's; what is in no block lies on every path from inputs to outputs.
    ``fragments`` of them are units of work, ``depth`` of these on the longest chain, at most ``width`` side by side.
    """

    layer: str
    operators: tuple[int, ...]
    fragments: int
    width: int
    depth: int
    origin: Literal["dominator", "module"]


@dataclass(frozen=True, slots=True)
class RuleResult:
    """The verdict of one rule: ``value`` against ``limit`` in ``unit``, or ``reason`` where it was not measured.

    A rule of which every finding is suppressed passes, and ``reason`` says so. ``help`` is the rule's documentation in
    markdown; its first paragraph is a summary.
    """

    code: str
    name: str
    verdict: Verdict
    value: Amount | None = None
    limit: Amount | None = None
    measure: str = ""
    reason: str = ""
    severity: Severity = "error"
    unit: Unit = "ratio"
    help: str = ""


@dataclass(frozen=True, slots=True)
class Saving:
    """What following the guideline saves, at the same multiply-adds; ``share`` is of the model's memory access.

    ``predicted_ms`` is below zero where the device is predicted to be slower for it, and None where no device was
    named or the finding has no counterfactual operators.
    """

    mac_elements: Count
    mac_bytes: Count
    share: Amount
    predicted_ms: Amount | None = None


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why a finding does not count: by a comment on its line, by the configuration, or by a baseline."""

    by: Literal["comment", "config", "baseline"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Snippet:
    """A line of code as it was at the capture: the expression in question, with what stands before and after it.

    Where the expression is not known the whole line is ``before``. An expression that goes on in the next line ends
    with this one. ``column`` is where the expression begins, in characters from 1; the texts, made fit to be shown, do
    not tell it any more.
    """

    before: str
    marked: str = ""
    after: str = ""
    column: Place | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A place that breaks a guideline.

    ``value`` is what the layer contributes to the rule's measure, in its unit, and ``limit`` the rule's; ``source``
    is the line to edit, ``snippet`` what it says. ``counterfactual`` describes the layer now and instead, by names
    that the rule explains. ``fingerprint`` names the finding from one run to the next, also where lines moved.
    ``evidence`` is what the nearest network of an experiment took on the device, where one was measured there.
    """

    code: str
    layer: str
    message: str
    value: Amount
    limit: Amount
    source: Line | None
    counterfactual: dict[str, Any]
    saving: Saving
    instead: str = ""
    severity: Severity = "error"
    fingerprint: str = ""
    suppressed: Suppression | None = None
    snippet: Snippet | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """The device that times are predicted for: where its figures come from, and its relative error on held-out data.

    ``peak`` is in operations a second, where a multiply-add is two, by the dtypes that the model computes in;
    ``bandwidth`` in bytes a second, that of the memory and not of a cache.
    """

    name: str
    source: str
    error: Amount | None = None
    peak: dict[str, Amount] = field(default_factory=dict)
    bandwidth: Amount | None = None


@dataclass(frozen=True)
class Report:
    """Everything that an audit found.

    ``name`` is the model's in the configuration, or the target again. The ``verdict`` is error where a rule crashed,
    else fail where one fails whose severity is at least ``fail_on``. Of a model that could not be audited there is the
    ``error`` alone, and the verdict says so.
    """

    target: str
    inputs: tuple[TensorInfo, ...]
    execution: str
    flop_convention: Literal["paper", "torch"]
    capture: dict[str, str]
    totals: Totals
    coverage: Coverage
    classes: dict[str, ClassCost]
    layers: tuple[LayerRow, ...]
    operators: tuple[OperatorRow, ...]
    rules: tuple[RuleResult, ...]
    findings: tuple[Finding, ...]
    verdict: Literal["pass", "fail", "error"]
    notes: tuple[str, ...] = ()
    version: str = ""
    conventions: dict[str, str] = field(default_factory=dict)
    name: str = ""
    fail_on: Severity = "error"
    error: str = ""
    device: DeviceInfo | None = None
    blocks: tuple[BlockRow, ...] = ()

    @property
    def errors(self) -> tuple[RuleResult, ...]:
        """Rules that crashed."""
        return tuple(rule for rule in self.rules if rule.verdict == "error")

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from mac_audit.reporters.notebook import html

        return html(self)

    def to_json(self) -> str:
        """One JSON document that ``report.schema.json`` describes, with a final newline."""
        return json.dumps({"schema_version": SCHEMA_VERSION, **to_plain(self)}, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = "report") -> Report:
        """The report that ``text`` holds; ``MacAuditError`` names what is wrong with it."""
        return cls.of(parse_json(text, where), where)

    @classmethod
    def of(cls, document: Any, where: str = "report") -> Report:
        """The same of a JSON document that was read already."""
        return checked(from_plain(cls, versioned(document, SCHEMA_VERSION, where), where), where)


def checked(report: Report, where: str) -> Report:
    """``report``, which came from elsewhere; ``MacAuditError`` where its parts do not belong together."""
    for told, needed in ((report.capture, HOW), (report.conventions, tuple(CONVENTIONS))):
        if not report.error and (lacking := [name for name in needed if name not in told]):
            raise MacAuditError(f"{where} does not say its {lacking[0]}; it may be cut short.")
    codes = [rule.code for rule in report.rules]
    if len(set(codes)) < len(codes):
        raise MacAuditError(f"{where} has two results of one rule; each rule gives one.")
    for finding in report.findings:
        if finding.code not in codes:
            raise MacAuditError(f"{where} has a finding of {shown(finding.code)}, but no such rule.")
    for positions in (*(row.after for row in report.operators), *(block.operators for block in report.blocks)):
        if not all(0 <= position < len(report.operators) for position in positions):
            raise MacAuditError(f"{where} speaks of an operator that it does not have.")
    return report


def concluded(rules: Sequence[RuleResult], fail_on: Severity) -> Literal["pass", "fail", "error"]:
    """The verdict of a report: error where a rule crashed, fail where one fails that weighs at least ``fail_on``."""
    if any(rule.verdict == "error" for rule in rules):
        return "error"
    counted = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    return "fail" if any(rule.verdict == "fail" and rule.severity in counted for rule in rules) else "pass"


def with_findings(report: Report, findings: Sequence[Finding]) -> Report:
    """``report`` with these findings, some newly suppressed, and the verdicts that follow from them."""
    rules = tuple(_suppressed(rule, [found for found in findings if found.code == rule.code]) for rule in report.rules)
    verdict = report.verdict if report.error else concluded(rules, report.fail_on)
    return replace(report, findings=tuple(findings), rules=rules, verdict=verdict)


def _suppressed(rule: RuleResult, findings: Sequence[Finding]) -> RuleResult:
    reasons = Counter(finding.suppressed.by for finding in findings if finding.suppressed is not None)
    if rule.verdict != "fail" or not findings or sum(reasons.values()) < len(findings):
        return rule
    told = ", ".join(f"{number} by {by}" for by, number in sorted(reasons.items()))
    return replace(rule, verdict="pass", reason=f"beyond the limit, but every finding is suppressed: {told}")


def conventions(flop_convention: str, execution: str) -> dict[str, str]:
    """The sentences that hold for one report."""
    return {
        "flops": CONVENTIONS["flops"][flop_convention],  # type: ignore[index]
        "madds": str(CONVENTIONS["madds"]),
        "mac": str(CONVENTIONS["mac"]),
        "execution": CONVENTIONS["execution"][execution],  # type: ignore[index]
    }

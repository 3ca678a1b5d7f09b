"""Profile + rules → Report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any, Literal

from mac_audit import page
from mac_audit.cost import Cost, Costed
from mac_audit.errors import MacAuditError
from mac_audit.fingerprint import fingerprinted
from mac_audit.network import Network, Source
from mac_audit.profile import LayerCost, Profile
from mac_audit.report import (
    BlockRow,
    ClassCost,
    Coverage,
    DeviceInfo,
    Finding,
    LayerRow,
    Line,
    OperatorRow,
    Report,
    RuleResult,
    Saving,
    Severity,
    Snippet,
    TensorInfo,
    Totals,
    Unknown,
    concluded,
    conventions,
)
from mac_audit.request import Request
from mac_audit.rule import Measure, NotApplicable, Rule, Violation
from mac_audit.timing import Spent, Timing
from mac_audit.units import amount

_NOTHING = Spent(0.0, None)  # takes no time


def audit(
    profile: Profile,
    rules: Sequence[Rule],
    *,
    target: str,
    name: str = "",
    options: Mapping[str, Mapping[str, Any]] | None = None,
    severities: Mapping[str, Severity] | None = None,
    fail_on: Severity = "error",
    flop_convention: Literal["paper", "torch"] = "paper",
    notes: Sequence[str] = (),
) -> Report:
    """Judge ``profile`` by ``rules``; ``options`` and ``severities`` are theirs by code, error unless given.

    A rule that crashes is an error result; one that lacks an option without a default does not run.
    """
    results: list[RuleResult] = []
    findings: list[Finding] = []
    for rule in rules:
        given = (options or {}).get(rule.code, {})
        if not rule.lacks(given):
            result, found = _judge(rule, profile, given, (severities or {}).get(rule.code, "error"))
            results.append(replace(result, help=page.body(rule)))
            findings += found
    return Report(
        target=target,
        inputs=_inputs(profile.network),
        execution=profile.execution,
        flop_convention=flop_convention,
        capture=dict(profile.network.capture),
        totals=_totals(profile, flop_convention),
        coverage=Coverage(len(profile.coverage["exact"]), len(profile.coverage["free"]), _unknown(profile)),
        classes={
            name: _class_cost(cost, profile.timing.classes[name] if profile.timing else None)
            for name, cost in profile.classes.items()
        },
        layers=tuple(_layer_row(row, profile.timing) for row in profile.layers),
        operators=tuple(_operator_row(costed, profile) for costed in profile.working),
        rules=tuple(results),
        findings=fingerprinted(findings),
        verdict=concluded(results, fail_on),
        notes=(*notes, *_outside(profile), *(profile.timing.notes() if profile.timing else ())),
        version=version("mac-audit"),
        conventions=conventions(flop_convention, profile.execution),
        name=name or target,
        fail_on=fail_on,
        device=device_info(profile.timing) if profile.timing else None,
        blocks=_blocks(profile),
    )


def not_audited(request: Request, name: str, error: str) -> Report:
    """The report of a model that could not be audited: ``error`` says why, every figure is zero."""
    return Report(
        target=request.target,
        inputs=(),
        execution=request.execution,
        flop_convention="paper",
        capture={},
        totals=Totals(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, lower_bound=True),
        coverage=Coverage(0, 0),
        classes={},
        layers=(),
        operators=(),
        rules=(),
        findings=(),
        verdict="error",
        version=version("mac-audit"),
        name=name,
        error=error,
    )


def _judge(
    rule: Rule, profile: Profile, options: Mapping[str, Any], severity: Severity
) -> tuple[RuleResult, list[Finding]]:
    try:
        outcome = rule(profile, **options)
    except MacAuditError:  # something that the user has to give
        raise
    except Exception as error:  # one rule's crash is not the end of the audit
        reason = f"{type(error).__name__}: {error}"
        return RuleResult(rule.code, rule.name, "error", reason=reason, severity=severity), []
    if isinstance(outcome, NotApplicable):
        return RuleResult(rule.code, rule.name, "not-applicable", reason=outcome.reason, severity=severity), []
    fails = outcome.value > outcome.limit and not outcome.negligible
    result = RuleResult(
        rule.code,
        rule.name,
        "fail" if fails else "pass",
        outcome.value,
        outcome.limit,
        outcome.measure,
        "beyond the limit, but no place would save enough to be worth it" if outcome.negligible else "",
        severity,
        outcome.unit,
    )
    violations = outcome.violations or (_whole(rule, outcome),)
    findings = [_finding(rule, violation, outcome.limit, severity, profile) for violation in violations]
    return result, findings if fails else []


def _whole(rule: Rule, outcome: Measure) -> Violation:
    """What a rule blames that names no place: the model."""
    value, limit = amount(outcome.value, outcome.unit), amount(outcome.limit, outcome.unit)
    message = f"{outcome.measure or rule.name} is {value}, beyond the limit of {limit}"
    return Violation("", None, message, "", outcome.value, 0, 0, {"now": {"value": outcome.value}})


def _finding(rule: Rule, violation: Violation, limit: float, severity: Severity, profile: Profile) -> Finding:
    return Finding(
        code=rule.code,
        layer=violation.layer,
        message=violation.message,
        value=violation.value,
        limit=limit,
        source=_line(violation.source),
        counterfactual=violation.counterfactual,
        saving=Saving(
            mac_elements=round(violation.avoidable),
            mac_bytes=round(violation.avoidable_bytes),
            share=violation.avoidable / max(profile.total.mac_elements, 1),
            predicted_ms=_saved_ms(violation, profile.timing),
        ),
        instead=violation.instead,
        severity=severity,
        evidence=violation.evidence,
        snippet=_snippet(violation.source, profile.network),
    )


def _snippet(source: Source | None, network: Network) -> Snippet | None:
    text = network.text(source) if source else ""
    if not source or not text:
        return None
    if source.column is None:
        return Snippet(text)
    coded = text.encode(errors="replace")  # columns are of bytes
    before, marked, after = (
        coded[part].decode(errors="replace")
        for part in (
            slice(source.column),
            slice(source.column, source.end_column),
            slice(len(coded) if source.end_column is None else source.end_column, None),
        )
    )
    return Snippet(before, marked, after, len(before) + 1 if marked else None)


def _saved_ms(violation: Violation, timing: Timing | None) -> float | None:
    if timing is None or not violation.now:
        return None
    return 1000 * (timing.of(violation.now) - timing.of(violation.then))


def device_info(timing: Timing) -> DeviceInfo:
    """What a report says of the device of ``timing``."""
    device = timing.device
    return DeviceInfo(device.name, device.source, device.error, timing.peaks, device.bandwidth.value)


def _outside(profile: Profile) -> tuple[str, ...]:
    """What the model computes where torch does not see it, as a note."""
    told = profile.network.capture.get("outside")
    return (f"{told}.",) if told else ()


def _totals(profile: Profile, flop_convention: str) -> Totals:
    cost = profile.total
    return Totals(
        params=profile.params,
        madds=cost.madds,
        flops=cost.madds * (2 if flop_convention == "torch" else 1),
        other_ops=cost.other_ops,
        mac_elements=cost.mac_elements,
        mac_bytes=cost.mac_bytes,
        reads_activation=cost.reads_activation,
        reads_weight=cost.reads_weight,
        writes=cost.writes,
        operators=cost.operators,
        lower_bound=cost.unknown > 0 or bool(_outside(profile)),
        predicted_ms=profile.predicted_ms,
    )


def _unknown(profile: Profile) -> tuple[Unknown, ...]:
    by_target: dict[str, list[Costed]] = {}
    for costed in profile.coverage["unknown"]:
        by_target.setdefault(costed.operator.target, []).append(costed)
    return tuple(
        Unknown(target, len(found), tuple(dict.fromkeys(filter(None, (_line(c.operator.source) for c in found)))))
        for target, found in sorted(by_target.items(), key=lambda item: -len(item[1]))
    )


def _inputs(network: Network) -> tuple[TensorInfo, ...]:
    tensors = (network.tensors[index] for index in network.inputs)
    return tuple(TensorInfo(tensor.name, tensor.shape, tensor.dtype) for tensor in tensors)


def _class_cost(cost: Cost, spent: Spent | None) -> ClassCost:
    return ClassCost(
        cost.madds,
        cost.mac_elements,
        cost.mac_bytes,
        cost.operators,
        predicted_ms=spent.ms if spent else None,
        lower_bound=cost.unknown > 0,
    )


def _layer_row(row: LayerCost, timing: Timing | None) -> LayerRow:
    spent = timing.layers.get(row.layer.path, _NOTHING) if timing else None
    return LayerRow(
        path=row.layer.path,
        type=row.layer.type,
        source=_line(row.layer.source),
        params=row.params,
        madds=row.total.madds,
        mac_elements=row.total.mac_elements,
        mac_bytes=row.total.mac_bytes,
        calls=row.layer.calls,
        input_shapes=row.layer.input_shapes,
        output_shapes=row.layer.output_shapes,
        depth=row.depth,
        leaf=row.leaf,
        classes=row.kinds,
        own=_class_cost(row.own, timing.own.get(row.layer.path, _NOTHING) if timing else None),
        own_params=row.own_params,
        predicted_ms=spent.ms if spent else None,
        bound=spent.bound if spent else None,
        lower_bound=row.total.unknown > 0,
    )


def _operator_row(costed: Costed, profile: Profile) -> OperatorRow:
    operator, cost, network = costed.operator, costed.cost, profile.network
    time = profile.timing.times[operator.name] if profile.timing else None
    return OperatorRow(
        name=operator.name,
        target=operator.target,
        layer=operator.layer,
        kind=costed.kind,
        coverage="exact" if costed.coverage == "exact" else "unknown",
        madds=cost.madds,
        other_ops=cost.other_ops,
        reads_activation=cost.reads_activation,
        reads_weight=cost.reads_weight,
        writes=cost.writes,
        mac_elements=cost.mac_elements,
        mac_bytes=cost.mac_bytes,
        source=_line(operator.source),
        input_shapes=tuple(network.tensors[index].shape for index in operator.inputs),
        output_shapes=tuple(network.tensors[index].shape for index in operator.outputs),
        predicted_ms=1000 * time.total if time else None,
        bound=time.bound if time else None,
        after=profile.feeders[operator.name],
    )


def _blocks(profile: Profile) -> tuple[BlockRow, ...]:
    position = {costed.operator.name: i for i, costed in enumerate(profile.working)}
    return tuple(
        BlockRow(
            block.layer,
            tuple(position[operator.name] for operator in block.operators if operator.name in position),
            len(block.fragments),
            block.width,
            block.depth,
            block.origin,
        )
        for block in profile.structure.blocks
    )


def _line(source: Source | None) -> Line | None:
    return Line(source.shown, source.line) if source is not None else None

"""Profile + rules → Report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Literal

from mac_audit.cost import Cost, Costed
from mac_audit.network import Network, Source
from mac_audit.profile import LayerCost, Profile
from mac_audit.report import (
    ClassCost,
    Coverage,
    Finding,
    LayerRow,
    Line,
    OperatorRow,
    Report,
    RuleResult,
    Saving,
    TensorInfo,
    Totals,
    Unknown,
    conventions,
)
from mac_audit.rule import NotApplicable, Rule, Violation


def audit(
    profile: Profile,
    rules: Sequence[Rule],
    *,
    target: str,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    flop_convention: Literal["paper", "torch"] = "paper",
    notes: Sequence[str] = (),
) -> Report:
    """Judge ``profile`` by ``rules``; ``options`` are theirs by code. A rule that crashes is an error result."""
    results: list[RuleResult] = []
    findings: list[Finding] = []
    for rule in rules:
        result, found = _judge(rule, profile, (options or {}).get(rule.code, {}))
        results.append(result)
        findings += found
    return Report(
        target=target,
        inputs=_inputs(profile.network),
        execution=profile.execution,
        flop_convention=flop_convention,
        capture=dict(profile.network.capture),
        totals=_totals(profile, flop_convention),
        coverage=Coverage(len(profile.coverage["exact"]), len(profile.coverage["free"]), _unknown(profile)),
        classes={name: _class_cost(cost) for name, cost in profile.classes.items()},
        layers=tuple(map(_layer_row, profile.layers)),
        operators=tuple(_operator_row(costed, profile.network) for costed in profile.working),
        rules=tuple(results),
        findings=tuple(findings),
        verdict="fail" if any(result.verdict == "fail" for result in results) else "pass",
        notes=tuple(notes),
        version=version("mac-audit"),
        conventions=conventions(flop_convention, profile.execution),
    )


def _judge(rule: Rule, profile: Profile, options: Mapping[str, Any]) -> tuple[RuleResult, list[Finding]]:
    try:
        outcome = rule(profile, **options)
    except Exception as error:  # one rule's crash is not the end of the audit
        reason = f"{type(error).__name__}: {error}"
        return RuleResult(rule.code, rule.name, "error", reason=reason), []
    if isinstance(outcome, NotApplicable):
        return RuleResult(rule.code, rule.name, "not-applicable", reason=outcome.reason), []
    failed = outcome.value > outcome.limit and not outcome.negligible
    result = RuleResult(
        rule.code,
        rule.name,
        "fail" if failed else "pass",
        outcome.value,
        outcome.limit,
        outcome.measure,
        "beyond the limit, but no place would save enough to be worth it" if outcome.negligible else "",
    )
    findings = [_finding(rule, violation, outcome.limit, profile) for violation in outcome.violations]
    return result, findings if failed else []


def _finding(rule: Rule, violation: Violation, limit: float, profile: Profile) -> Finding:
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
        ),
        instead=violation.instead,
    )


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
        lower_bound=cost.unknown > 0,
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


def _class_cost(cost: Cost) -> ClassCost:
    return ClassCost(cost.madds, cost.mac_elements, cost.mac_bytes, cost.operators, lower_bound=cost.unknown > 0)


def _layer_row(row: LayerCost) -> LayerRow:
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
        own=_class_cost(row.own),
        own_params=row.own_params,
        lower_bound=row.total.unknown > 0,
    )


def _operator_row(costed: Costed, network: Network) -> OperatorRow:
    operator, cost = costed.operator, costed.cost
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
    )


def _line(source: Source | None) -> Line | None:
    return Line(source.shown, source.line) if source is not None else None

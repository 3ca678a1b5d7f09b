"""Budgets: what the whole model may cost. Each runs only where its limit is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from mac_audit import MacAuditError
from mac_audit.profile import LayerCost, Profile
from mac_audit.rule import Measure, Outcome, Quantity, Violation, percent, rule

_WORST = 3  # layers that a finding names


@rule("B1", "params-budget")
def params_budget(profile: Profile, *, limit: Annotated[Quantity, "count"]) -> Outcome:
    """The model has no more parameters than its budget.

    ## What it does

    Counts distinct parameters, in elements. A parameter that layers share counts once. The finding names the layers
    that hold most.

    ## Why

    Parameters have to be stored, loaded and sent to where the model runs, whatever it computes with them.

    ## Instead

    Give the layers that are named fewer channels, groups or a factorisation; share what can be shared.

    ## Options

    * `limit`: parameters, such as `"5 M"`. The budget `params` is this limit.

    ## References

    Han et al., *Deep Compression*, ICLR 2016, section 1, for what storing and loading parameters costs.
    """
    parts = {row.layer.path: row.own_params for row in profile.layers}
    return _measure(profile, profile.params, limit, "parameters", parts)


@rule("B2", "madds-budget")
def madds_budget(profile: Profile, *, limit: Annotated[Quantity, "count"]) -> Outcome:
    """The model has no more multiply-adds than its budget.

    ## What it does

    Adds up the multiply-adds of all operators, each counted once (see the conventions), whatever `--flop-convention`
    says. The finding names the layers that compute most.

    ## Why

    Multiply-adds bound the time of a model from below on every device, and papers compare models by them.

    ## Instead

    A lower resolution, narrower layers, or groups where memory access allows them (G2).

    ## Options

    * `limit`: multiply-adds, such as `"300 M"`. The budget `madds` is this limit.

    ## References

    Ma et al., ShuffleNet V2, ECCV 2018, section 1, for what multiply-adds say and what they do not.
    """
    return _measure(profile, profile.total.madds, limit, "multiply-adds", _own(profile, "madds"))


@rule("B3", "mac-budget")
def mac_budget(profile: Profile, *, limit: Annotated[Quantity, "count", "bytes"]) -> Outcome:
    """The model accesses no more memory than its budget.

    ## What it does

    Adds up the memory access of all operators: each operand read once, each result written once. A limit in bytes is
    held against bytes, a bare number against elements. The finding names the layers that access most.

    ## Why

    Memory access decides the time of what has few multiply-adds for each element; it is what the guidelines lower.

    ## Instead

    What G1 to G4 say of the layers that are named.

    ## Options

    * `limit`: elements, such as `"20 M"`, or bytes, such as `"80 MB"`. The budget `mac` is this limit.

    ## References

    Ma et al., ShuffleNet V2, ECCV 2018, section 3.
    """
    name = "mac_bytes" if limit.unit == "bytes" else "mac_elements"
    return _measure(profile, getattr(profile.total, name), limit, "memory access (MAC)", _own(profile, name))


@rule("B4", "memory-budget")
def memory_budget(profile: Profile, *, limit: Annotated[Quantity, "bytes"]) -> Outcome:
    """The activations of the model fit into its budget of memory.

    ## What it does

    Finds the moment at which most bytes of activations are in memory, inputs included: each from the operator that
    writes it to the last one that reads it, what shares memory counted once. Weights and a kernel's workspace are not
    in it. The finding names the layers whose results are there at that moment.

    ## Why

    A model whose activations do not fit does not run, or moves them to slower memory. The moment is often early,
    where maps are large, or where a shortcut keeps one alive across a wide block.

    ## Instead

    Reduce the resolution earlier, widen later, shorten what a shortcut spans, or run element-wise operators in place.

    ## Options

    * `limit`: bytes, such as `"8 MB"`. The budget `memory` is this limit.

    ## References

    Chowdhery et al., *Visual Wake Words Dataset*, 2019, for peak memory as a limit of devices.
    """
    parts: dict[str, int] = {}
    for index, memory in profile.peak.tensors.items():
        maker = profile.maker(index)
        layer = "the input" if maker is None else maker.operator.layer
        parts[layer] = parts.get(layer, 0) + memory
    return _measure(profile, profile.peak.memory, limit, "peak memory of activations", parts)


@rule("B5", "latency-budget")
def latency_budget(profile: Profile, *, limit: Annotated[Quantity, "seconds"]) -> Outcome:
    """One run of the model takes no longer than its budget, as far as that is predicted.

    ## What it does

    Holds the predicted time of one run on the device that is named (`--device`, or `device` in the configuration)
    against the limit. The finding names the layers that take most. Without a device it is an error.

    ## Why

    Time is what the other budgets stand for. A prediction has an error, which the report states with the device; leave
    room for it.

    ## Instead

    What G1 to G4 say of the layers that are named; what is bound by launches needs fewer operators, not smaller ones.

    ## Options

    * `limit`: a time, such as `"8 ms"`. The budget `latency` is this limit.

    ## References

    Ma et al., ShuffleNet V2, ECCV 2018, section 1, for time as the direct measure.
    """
    if profile.predicted_ms is None or profile.timing is None:
        raise MacAuditError("A latency budget needs a device; name one with --device, or device in the configuration.")
    parts = {path: spent.ms / 1000 for path, spent in profile.timing.own.items()}
    return _measure(profile, profile.predicted_ms / 1000, limit, "predicted time", parts)


def _own(profile: Profile, name: str) -> dict[str, int]:
    def own(row: LayerCost) -> int:
        return int(getattr(row.own, name))

    return {row.layer.path: own(row) for row in profile.layers}


def _measure(profile: Profile, value: float, limit: Quantity, measure: str, parts: Mapping[str, float]) -> Outcome:
    """``value`` against ``limit``; what exceeds it is one finding of the whole model that names its worst ``parts``."""
    over = Quantity(value - limit.number, limit.unit)
    worst = sorted((item for item in parts.items() if item[1]), key=lambda item: -item[1])[:_WORST]
    named = ", ".join(
        f"{path or 'the model itself'} {Quantity(part, limit.unit)} ({percent(part / value)})" for path, part in worst
    )
    violation = Violation(
        layer="",
        source=profile.line_to_edit(""),
        message=f"{measure}: {Quantity(value, limit.unit)}, exceeds the budget of {limit} by {over}",
        instead=f"less where most is: {named}" if named else "",
        value=value,
        avoidable=0,
        avoidable_bytes=0,
        counterfactual={"now": {"value": value}, "instead": {"value": limit.number}, "worst": dict(worst)},
    )
    violations = (violation,) if over.number > 0 else ()
    return Measure(value, limit.number, violations, measure=measure, unit=limit.unit)

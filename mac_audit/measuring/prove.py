"""Try a finding on this machine: the layers that it blames and those it would have instead, timed against each other.

Both have the same multiply-adds, up to whole channels, random weights, and inputs of the model's own sizes. They run in
turn, so that whatever else the machine does hits both alike, and the interval of the saving is a bootstrap's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from statistics import median
from typing import Any, Literal

import torch
from torch import Tensor

from mac_audit.cost import Contraction, Costed
from mac_audit.counterfactual import merged
from mac_audit.device import Device
from mac_audit.errors import MacAuditError
from mac_audit.measuring import joining
from mac_audit.measuring.running import inference
from mac_audit.measuring.stopwatch import Sample, Work, difference, interleaved
from mac_audit.network import Argument, Network, Ref
from mac_audit.profile import Profile
from mac_audit.request import Request
from mac_audit.rule import Measure, Rule, Violation
from mac_audit.timing import Timing
from mac_audit.tracing import trace

ROUNDS = 101
UNTRUSTED = 0.5  # a spread with which half of the rounds take several times as long as others

Verdict = Literal["proven", "not proven", "disproven"]


@dataclass(frozen=True)
class Finding:
    """A violation with the code of its rule."""

    code: str
    violation: Violation


@dataclass(frozen=True)
class Proof:
    """What came of it: seconds of both, the interval of the saving, and what was predicted, where a device was named.

    ``remark`` says what was compared, or what the comparison leaves out; ``bound`` whether no more is known than that
    the saving is at most what was measured.
    """

    finding: Finding
    now: Sample
    then: Sample
    low: float
    high: float
    predicted: float | None
    remark: str
    bound: bool = False

    @property
    def saving(self) -> float:
        """Seconds, the median of what the rounds differ by; below zero where it would be slower."""
        return median(now - then for now, then in zip(self.now.rounds, self.then.rounds, strict=True))

    @property
    def noisy(self) -> bool:
        """Whether the machine did too much else for any verdict."""
        return max(self.now.spread, self.then.spread) > UNTRUSTED

    @property
    def verdict(self) -> Verdict:
        """Proven where the whole interval is above zero, disproven where it is below.

        A bound proves no saving, and nothing is said where the rounds of either side lie too far apart.
        """
        if self.noisy:
            return "not proven"
        if self.low > 0 and not self.bound:
            return "proven"
        return "disproven" if self.high < 0 else "not proven"


def profile_of(request: Request, device: Device | None) -> Profile:
    """The model that ``request`` names, as its rules see it."""
    return Profile(trace(request), request.execution, device)


def findings(profile: Profile, rules: Sequence[Rule]) -> list[Finding]:
    """What can be tried, the largest avoidable memory access first."""
    found: list[Finding] = []
    for rule in rules:
        if rule.lacks(()):  # a budget that nobody set
            continue
        outcome = rule(profile)
        if isinstance(outcome, Measure) and outcome.value > outcome.limit and not outcome.negligible:
            found += [Finding(rule.code, violation) for violation in outcome.violations if violation.now]
    return sorted(found, key=lambda finding: -finding.violation.avoidable)


def prove(finding: Finding, profile: Profile, device: Device | None, backend: str = "cpu", threads: int = 1) -> Proof:
    """Time ``finding`` on ``backend``; the predicted saving is that on ``device``."""
    violation = finding.violation
    with inference(threads):
        torch.manual_seed(0)
        works, remark, bound = _compared(violation, profile, backend)
        samples = interleaved(works, ROUNDS)
    low, high = difference(samples["now"], samples["then"])
    predicted = None
    if device is not None:
        timing = Timing(profile.operators, profile.network, device, profile.execution)
        predicted = timing.of(violation.now) - timing.of(violation.then)
    return Proof(finding, samples["now"], samples["then"], low, high, predicted, remark, bound)


def _compared(violation: Violation, profile: Profile, backend: str) -> tuple[Mapping[str, Work], str, bool]:
    """What to time, ``now`` and ``then``; a remark; and whether the saving is at most what is measured."""
    stays = tuple(costed for costed in violation.then if costed.cost.operators)
    bound = len(stays) < len(violation.then)
    if bound:  # it would run in another's kernel
        works, remark = joining.sides(profile, violation.now[0], backend)
        if works is not None:
            return works, remark, False
        then, remark = stays, f"at most: left out altogether, for {remark}"
    else:
        then, remark = _instead(violation)
    sides = {"now": violation.now, "then": then}
    return {name: _all(side, profile.network, backend) for name, side in sides.items()}, remark, bound


def _instead(violation: Violation) -> tuple[tuple[Costed, ...], str]:
    """The operators to time in their place, and what that leaves out.

    Layers that would become one wider layer do, where their kernels have one size; those of several sizes become one
    for each.
    """
    if len(violation.now) == len(violation.then):
        return violation.then, ""
    by_kernel: dict[object, list[Costed]] = {}
    for costed in violation.now:
        shape = costed.contraction
        assert shape is not None
        key = (shape.kernel, shape.dilation, shape.positions_out, shape.groups, costed.operator.inputs[0])
        by_kernel.setdefault(key, []).append(costed)
    several = len(by_kernel) > len(violation.then)
    return tuple(map(merged, by_kernel.values())), "one layer for each size of kernel" if several else ""


def _all(operators: Sequence[Costed], network: Network, backend: str) -> Work:
    """One run of them all; layers that read the same tensor get the same one."""
    inputs: dict[tuple[object, ...], Tensor] = {}
    calls = [_call(costed, network, backend, inputs) for costed in operators]

    def run() -> None:
        for call in calls:
            call()

    return run


def _call(costed: Costed, network: Network, backend: str, inputs: dict[tuple[object, ...], Tensor]) -> Work:
    shape = costed.contraction
    if shape is None:
        return _replayed(costed, network, backend)
    if shape.kernel:
        return _convolution(costed, shape, network, backend, inputs)
    read = costed.operator.inputs[0]
    like = _drawn(network, read, backend)
    left = _shared((read, shape.positions_in, shape.c_in), inputs, like)
    return partial(torch.nn.functional.linear, left, torch.randn(shape.c_out, shape.c_in, **like))


def _convolution(
    costed: Costed, shape: Contraction, network: Network, backend: str, inputs: dict[tuple[object, ...], Tensor]
) -> Work:
    operator = costed.operator
    read = next(index for index in operator.inputs if not network.tensors[index].is_weight)
    batch, _, *space = network.tensors[read].shape
    like = _drawn(network, read, backend)
    image = _shared((read, batch, shape.c_in, *space), inputs, like)
    widths = (
        (shape.c_in, shape.c_out // shape.groups) if shape.transposed else (shape.c_out, shape.c_in // shape.groups)
    )
    weight = torch.randn(*widths, *shape.kernel, **like)
    names = ("stride", "padding", "dilation", "transposed", "output_padding")
    given = {name: _listed(operator.arguments[name]) for name in names if name in operator.arguments}
    if missing := set(names) - given.keys():
        raise MacAuditError(
            f"{operator.target} does not say its {', '.join(sorted(missing))}; it cannot be built anew."
        )
    return partial(torch.ops.aten.convolution.default, image, weight, None, *given.values(), shape.groups)


def _shared(key: tuple[Any, ...], inputs: dict[tuple[object, ...], Tensor], like: dict[str, Any]) -> Tensor:
    """A random tensor of the sizes in ``key`` after its first item, which it reads; the same for the same key."""
    if key not in inputs:
        inputs[key] = torch.randn(*key[1:], **like)
    return inputs[key]


def _dtype(network: Network, index: int) -> torch.dtype:
    found: torch.dtype = getattr(torch, network.tensors[index].dtype)
    return found


def _drawn(network: Network, index: int, backend: str) -> dict[str, Any]:
    """How random numbers are drawn that stand for a tensor; ``MacAuditError`` where they cannot be."""
    dtype = _dtype(network, index)
    if not dtype.is_floating_point:
        raise MacAuditError(f"A layer of {network.tensors[index].dtype} cannot be built anew; try another --finding.")
    return {"device": backend, "dtype": dtype}


def _replayed(costed: Costed, network: Network, backend: str) -> Work:
    """The operator as it stands, on random tensors."""
    operator = costed.operator
    target: Any = reduce(getattr, operator.target.split("."), torch.ops)

    def real(value: Argument) -> Any:
        if isinstance(value, Ref):
            tensor = network.tensors[value.tensor]
            return torch.ones(tensor.shape, device=backend, dtype=_dtype(network, value.tensor))
        return [real(item) for item in value] if isinstance(value, tuple) else value

    return partial(target, **{name: real(value) for name, value in operator.arguments.items()})


def _listed(value: Argument) -> Any:
    return list(value) if isinstance(value, tuple) else value

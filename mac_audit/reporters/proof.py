"""A proof as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mac_audit.units import duration, percent

if TYPE_CHECKING:
    from mac_audit.measuring.prove import Proof


def render(proof: Proof, target: str, number: int, of: int, device: str | None) -> str:
    """Finding ``number`` of ``of`` of ``target``; ``device`` is what the saving was predicted for."""
    return "\n".join(_lines(proof, target, number, of, device)) + "\n"


def _lines(proof: Proof, target: str, number: int, of: int, device: str | None) -> Iterator[str]:
    violation = proof.finding.violation
    yield f"{target}: finding {number} of {of}, {proof.finding.code} at {violation.layer or 'the model'}"
    yield f"  {violation.message}"
    yield f"  instead {violation.instead}"
    yield ""
    yield f"  now        {duration(1000 * proof.now.seconds):>9}  spread {percent(proof.now.spread)}"
    yield f"  instead    {duration(1000 * proof.then.seconds):>9}  spread {percent(proof.then.spread)}"
    if proof.predicted is not None:
        yield f"  predicted to save {duration(1000 * proof.predicted)} on {device}"
    low, high = duration(1000 * proof.low), duration(1000 * proof.high)
    share = percent(proof.saving / proof.now.seconds)
    yield f"  measured to save  {duration(1000 * proof.saving)}, {share} (95 % interval {low} to {high})"
    if proof.remark:
        yield f"  {proof.remark}"
    yield ""
    why = ": what was measured is only an upper bound" if proof.bound else ""
    why = ": the machine was too busy, try again when it is quiet" if proof.noisy else why
    yield f"{proof.verdict} on this device{why}"

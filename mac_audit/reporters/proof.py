"""A proof as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mac_audit.units import duration, percent

if TYPE_CHECKING:
    from mac_audit.measuring.prove import Finding, Proof


def render(proof: Proof, target: str, number: int, of: int, device: str | None) -> str:
    """Finding ``number`` of ``of`` of ``target``; ``device`` is what the saving was predicted for."""
    return "\n".join(_lines(proof, target, number, of, device)) + "\n"


def listed(findings: Sequence[Finding], target: str) -> str:
    """The findings by number."""
    lines = [f"{target}: {len(findings)} to try, with --finding N"]
    for number, finding in enumerate(findings, 1):
        violation = finding.violation
        lines.append(f"  {number:3}  {finding.code}  {violation.layer or 'the model'}: {violation.message}")
    return "\n".join(lines) + "\n"


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
    saved, low, high = (duration(1000 * seconds) for seconds in (proof.saving, proof.low, proof.high))
    share = percent(proof.saving / proof.now.seconds)
    yield f"  measured to save  {saved}, {share} (95 % interval {low} to {high})".replace("-", "−")
    if proof.remark:
        yield f"  {proof.remark}"
    yield ""
    why = ": what was measured is only an upper bound" if proof.bound else ""
    why = ": the machine was too busy, try again when it is quiet" if proof.noisy else why
    yield f"{proof.verdict} on this device{why}"

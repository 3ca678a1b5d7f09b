"""Evidence: what breaking a guideline cost on a device, in the experiment that the guideline rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log

from mac_audit.plain import Amount, Count


@dataclass(frozen=True, slots=True)
class Evidence:
    """One network of an experiment on ``device``, ``what``, beside the one that follows the guideline, ``than``.

    Both have the same multiply-adds, at ``width`` channels. ``longer`` is the time that it took more, as a share: 0.38
    for 38 %. ``within`` is the 95 % interval of that, where it is known. ``amount`` is what the guideline is
    about: the ratio of widths (G1), groups (G2), fragments side by side (G3), maps that an element-wise operator reads
    (G4). ``source`` says where it stands, or when and with what it was measured.
    """

    code: str
    device: str
    what: str
    than: str
    longer: Amount
    width: Count
    amount: Amount
    source: str
    within: tuple[Amount, Amount] | None = None
    dtype: str = "float32"
    compiled: bool = False


def nearest(
    known: Iterable[Evidence], code: str, amount: float, width: float, dtype: str, compiled: bool
) -> Evidence | None:
    """The network that is most like a finding of ``code``; None where the one that follows the guideline is.

    The experiment comes first (``compiled``, ``dtype``, else any), then ``amount``, then ``width``, by their ratios.
    """

    def distance(evidence: Evidence) -> tuple[bool, bool, float, float]:
        apart = abs(log(amount / evidence.amount)), abs(log(width / evidence.width))
        return evidence.compiled != compiled, evidence.dtype != dtype, *apart

    best = min((evidence for evidence in known if evidence.code == code), key=distance, default=None)
    return best if best is not None and distance(best)[2] <= abs(log(amount)) else None

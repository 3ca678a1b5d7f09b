"""A measurement as text: the whole, classes of operators, and the operators whose prediction missed most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mac_audit.units import duration, percent

if TYPE_CHECKING:
    from mac_audit.measuring.measure import Measurement


def render(found: Measurement, operators: int) -> str:
    """With the ``operators`` that are furthest off."""
    return "\n".join(_lines(found, operators)) + "\n"


def _lines(found: Measurement, operators: int) -> Iterator[str]:
    whole = 1000 * found.whole.seconds
    yield f"{found.target} on {found.device.name}, torch in eager mode, random weights"
    yield f"  {'measured':38}{duration(whole):>8}  spread {percent(found.whole.spread)}"
    for name, timing in (("from calibration", found.calibrated), ("from its operators measured", found.replayed)):
        yield f"  predicted {name:28}{duration(timing.total.ms):>8}  {_off(timing.total.ms, whole, 1)}"
    yield ""
    yield f"  {'class':20}{'predicted':>12}{'measured':>12}"
    by_class: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in found.rows:
        by_class[row.kind][0] += row.predicted
        by_class[row.kind][1] += row.measured
    for kind, (predicted, measured) in sorted(by_class.items(), key=lambda item: -item[1][1]):
        yield f"  {kind:20}{duration(predicted):>12}{duration(measured):>12}  {_off(predicted, measured)}"
    worst = sorted(found.rows, key=lambda row: -abs(row.predicted - row.measured))[:operators]
    if worst:
        yield ""
        yield f"  {'furthest off':20}{'predicted':>12}{'measured':>12}"
    for row in worst:
        times = f"{duration(row.predicted):>12}{duration(row.measured):>12}  {_off(row.predicted, row.measured)}"
        yield f"  {row.name[:19]:20}{times}  {row.layer}"
    if notes := found.calibrated.notes():
        yield ""
        yield from notes


def _off(predicted: float, measured: float, digits: int = 0) -> str:
    """``+12 %`` where the prediction is too long, ``−12 %`` where it is too short."""
    return f"{100 * (predicted / measured - 1):+.{digits}f} %".replace("-", "−")

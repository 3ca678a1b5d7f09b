"""Numbers as people read and write them: three significant digits, SI prefixes, decimal bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from mac_audit.errors import MacAuditError

Unit = Literal["ratio", "count", "bytes", "seconds"]

_PREFIXES = ("", "K", "M", "G", "T", "P", "E")


def count(number: float, unit: str = "") -> str:
    """``144908112`` → ``145 M``; below a thousand the number itself."""
    if abs(number) < 1000:
        text = f"{number:.3g}" if isinstance(number, float) else str(number)
        return f"{text} {unit}".rstrip()
    power = 0
    while abs(number) >= 999.5 and power < len(_PREFIXES) - 1:
        number /= 1000
        power += 1
    return f"{_three(number)} {_PREFIXES[power]}{unit}"


def at_least(number: float, lower_bound: bool) -> str:
    """``≥ 145 M`` where something is missing from it, however little there is; else a dash for nothing."""
    return f"≥ {count(number)}" if lower_bound else count(number) if number else "–"


def size(number: float) -> str:
    """Bytes: ``51623936`` → ``51.6 MB``."""
    return count(number, "B")


def duration(ms: float) -> str:
    """Milliseconds: ``0.01234`` → ``12.3 µs``, ``1234`` → ``1.23 s``."""
    if abs(ms) < 1:
        return f"{_three(1000 * ms)} µs"
    return f"{_three(ms)} ms" if abs(ms) < 1000 else f"{_three(ms / 1000)} s"


def _three(number: float) -> str:
    """Three significant digits, never an exponent."""
    whole = int(abs(float(f"{number:.3g}")))  # of 9.996 three digits are 10.0
    return f"{number:.{max(0, 3 - len(str(whole)))}f}"


def amount(number: float, unit: Unit) -> str:
    """A number in its unit; a ratio with three decimals."""
    if unit == "ratio":
        return f"{number:.3f}"
    if unit == "seconds":
        return duration(1000 * number)
    return count(round(number), "B" if unit == "bytes" else "")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit: pieces, bytes or seconds."""

    number: float
    unit: Unit

    def __str__(self) -> str:
        return amount(self.number, self.unit)


_FACTORS: dict[str, tuple[float, Unit]] = {
    **{prefix: (1000.0**power, "count") for power, prefix in enumerate(_PREFIXES)},
    **{f"{prefix}B": (1000.0**power, "bytes") for power, prefix in enumerate(_PREFIXES)},
    **{f"{prefix}iB": (1024.0**power, "bytes") for power, prefix in enumerate(_PREFIXES) if prefix},
    **{"s": (1.0, "seconds"), "ms": (1e-3, "seconds"), "us": (1e-6, "seconds"), "µs": (1e-6, "seconds")},
}
_WRITTEN = re.compile(r"([0-9][0-9_]*(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)\s*([a-zµ]*)", re.IGNORECASE)


def quantity(text: str | float, where: str) -> Quantity:
    """``300 M``, ``25 MB``, ``16 MiB``, ``8 ms`` or a bare number; ``where`` names the place in the error."""
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise MacAuditError(f'{where} should be a quantity such as "300 M", "25 MB" or "8 ms", but is {text!r}.')
    found = _WRITTEN.fullmatch(str(text).strip())
    unit = found[2].replace("k", "K") if found else ""
    if found is None or unit not in _FACTORS:
        raise MacAuditError(f'{where}: {text!r} is no quantity; write it like "300 M", "25 MB", "16 MiB" or "8 ms".')
    factor, dimension = _FACTORS[unit]
    return Quantity(float(found[1]) * factor, dimension)


def percent(share: float) -> str:
    """``0.0123`` → ``1.2 %``."""
    return f"{100 * share:.1f} %"


def shape(sizes: tuple[int, ...]) -> str:
    """``(1, 3, 224, 224)`` → ``1×3×224×224``."""
    return "×".join(map(str, sizes)) if sizes else "scalar"

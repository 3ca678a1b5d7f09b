"""Numbers as people read them: three significant digits, SI prefixes, decimal bytes."""

from __future__ import annotations

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
    digits = max(0, 2 - len(str(int(abs(number)))) + 1)
    return f"{number:.{digits}f} {_PREFIXES[power]}{unit}"


def size(number: float) -> str:
    """Bytes: ``51623936`` → ``51.6 MB``."""
    return count(number, "B")


def percent(share: float) -> str:
    """``0.0123`` → ``1.2 %``."""
    return f"{100 * share:.1f} %"


def shape(sizes: tuple[int, ...]) -> str:
    """``(1, 3, 224, 224)`` → ``1×3×224×224``."""
    return "×".join(map(str, sizes)) if sizes else "scalar"

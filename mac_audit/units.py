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


def duration(ms: float) -> str:
    """Milliseconds: ``0.01234`` → ``12.3 µs``, ``1234`` → ``1.23 s``."""
    if abs(ms) < 1:
        return f"{_three(1000 * ms)} µs"
    return f"{_three(ms)} ms" if abs(ms) < 1000 else f"{_three(ms / 1000)} s"


def _three(number: float) -> str:
    """Three significant digits, never an exponent."""
    digits = max(0, 3 - len(str(int(abs(number)))))
    return f"{number:.{digits}f}"


def percent(share: float) -> str:
    """``0.0123`` → ``1.2 %``."""
    return f"{100 * share:.1f} %"


def shape(sizes: tuple[int, ...]) -> str:
    """``(1, 3, 224, 224)`` → ``1×3×224×224``."""
    return "×".join(map(str, sizes)) if sizes else "scalar"

"""Sweep: one model over a grid of input sizes, built once and captured at each point."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mac_audit.errors import MacAuditError, nearest
from mac_audit.plain import to_plain
from mac_audit.report import SCHEMA_VERSION, Report

AXES = {"batch": "batch", "resolution": "resolution", "seq-len": "seq_len"}  # to fields of Request
POINTS = 10_000  # a grid beyond this is a slip of the pen: it would run for hours

Size = int | tuple[int, int]


@dataclass(frozen=True, slots=True)
class Axis:
    """One size and the values that it takes; a resolution is height and width."""

    name: str
    values: tuple[Size, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """The report at one point of the grid, or why there is none."""

    sizes: dict[str, Size]
    report: Report | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Sweep:
    """The grid, the last axis fastest."""

    name: str
    axes: tuple[Axis, ...]
    points: tuple[Point, ...]

    def to_json(self) -> str:
        """One JSON document: at each point the sizes, and of the report what a sweep compares; with a final newline."""
        points = [
            {
                "sizes": point.sizes,
                "error": point.error or None,
                **{name: getattr(point.report, name, None) for name in ("totals", "classes", "rules", "verdict")},
            }
            for point in self.points
        ]
        whole = {"schema_version": SCHEMA_VERSION, "target": self.name, "axes": self.axes, "points": points}
        return json.dumps(to_plain(whole), indent=1, allow_nan=False) + "\n"


def axis(text: str) -> Axis:
    """``resolution=128:448:32`` (both ends included), ``batch=1,8,64``, ``resolution=224,480x640``, ``seq-len=…``."""
    name, equals, values = text.replace(" ", "").partition("=")
    if not equals or not values:
        raise MacAuditError(
            f"--sweep {text!r} is not NAME=VALUES; write it like resolution=128:448:32 or batch=1,8,64."
        )
    if name not in AXES:
        raise MacAuditError(f"--sweep has no axis {name!r}; choose one of {', '.join(AXES)}.{nearest(name, AXES)}")
    found: list[Size] = []
    for part in values.split(","):
        if span := re.fullmatch(r"(\d+):(\d+)(?::(\d+))?", part):
            first, last, step = int(span[1]), int(span[2]), int(span[3] or 1)
            found += range(first, last + 1, step)[: POINTS + 1] if step else ()
        elif sides := re.fullmatch(r"(\d+)[x×](\d+)", part):
            found.append((int(sides[1]), int(sides[2])))
        elif part.isdecimal():
            found.append(int(part))
        else:
            raise MacAuditError(f"--sweep {text!r} has no number in {part!r}; write values like 1,8,64 or 128:448:32.")
    wrong = name != "resolution" and any(isinstance(value, tuple) for value in found)
    if wrong or not found or any(side < 1 for value in found for side in _sides(value)):
        raise MacAuditError(f"--sweep {text!r} names no sizes of at least 1; write values like 1,8,64 or 128:448:32.")
    return Axis(name, tuple(dict.fromkeys(found)))


def grid(axes: Sequence[Axis]) -> list[dict[str, Size]]:
    """The sizes at each point, the last axis fastest; ``MacAuditError`` where the axes make no grid."""
    names = [one.name for one in axes]
    if len(set(names)) < len(names):
        raise MacAuditError("--sweep names an axis twice; give all its values at once, as in batch=1,8,64.")
    number = math.prod(len(one.values) for one in axes)
    if number > POINTS:
        raise MacAuditError(f"--sweep asks for {number} points, more than {POINTS}; give fewer values or larger steps.")
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*(one.values for one in axes))]


def fields(sizes: Mapping[str, Size]) -> dict[str, Any]:
    """The sizes at a point as fields of a ``Request``."""
    return {
        AXES[name]: (value, value) if name == "resolution" and isinstance(value, int) else value
        for name, value in sizes.items()
    }


def _sides(value: Size) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)

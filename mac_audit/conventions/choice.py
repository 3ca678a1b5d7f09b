"""Inputs whose layout nothing tells: of several, the first that ``forward`` accepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mac_audit import _torch as private
from mac_audit.conventions.call import Call
from mac_audit.conventions.dry import shapes

Completion = Callable[[Call, Mapping[str, Any]], dict[str, Any]]


class Choice(tuple[Any, ...]):
    """Values of which a model takes one. Where several arguments leave a choice, those of one place go together."""


def chosen(call: Call, values: Mapping[str, Any], complete: Completion | None = None) -> dict[str, Any]:
    """``values`` with the first of each choice that ``forward`` accepts together.

    Where it accepts none, the first at which it stops for want of values alone, else the first. ``complete`` adds what
    follows from a choice.
    """
    choices = max((len(value) for value in values.values() if isinstance(value, Choice)), default=1)
    candidates = [
        {name: value[i] if isinstance(value, Choice) else value for name, value in values.items()}
        for i in range(choices)
    ]
    if complete is not None:
        candidates = [complete(call, candidate) for candidate in candidates]
    undecided = []
    for one in candidates:
        accepted = choices == 1 or _accepts(call, one)
        if accepted:
            return one
        undecided += [one] if accepted is None else []
    return (undecided or candidates)[0]


def _accepts(call: Call, kwargs: Mapping[str, Any]) -> bool | None:
    """Whether ``forward`` takes these arguments, as far as shapes tell; None where it asks for values."""
    try:
        shapes(call.model, lambda model, given: model(**given), dict(kwargs))
    except (private.DataDependentOutputException, private.DynamicOutputShapeException):
        return None
    except Exception:
        return False
    return True

"""Documents that are nearly right: one or a few places of a JSON or TOML document changed, everything else kept.

Bytes changed at random seldom get past the parser; these get as far as what reads the values.
"""

from __future__ import annotations

import datetime
import json
import random
import tomllib
from typing import Any

import tomli_w

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 0.0, -0.5, 1e308, -1e-320, float("nan"), float("inf")),
    *(2**31, 2**63, 2**64, 10**30, 10**31, 10**400, -(10**18)),
    *("", "a", "aten.convolution.default", "é", "\ud800", "\x00", "\x1b[31m", "../x", "x" * 5000, "1e999", "=1+1"),
    *([], {}, [[]], [None], {"": ""}, {"tensor": 0}, {"tensor": 10**9}, [0] * 50, [1, 2, 3, 4]),
    datetime.date(2020, 1, 2),
)


def mutated(data: bytes, choice: random.Random) -> bytes | None:
    """A changed document; None where ``data`` is no document to change."""
    kinds = ((json.loads, lambda value: json.dumps(value, default=str)), (tomllib.loads, tomli_w.dumps))
    for read, write in kinds:
        try:
            document = read(data.decode("utf-8"))
        except (ValueError, RecursionError):
            continue
        if not isinstance(document, dict | list):
            continue
        for _ in range(choice.randint(1, 3)):
            _change(document, choice)
        try:
            text = write(document)
        except (ValueError, TypeError, RecursionError):
            return None
        return text.encode("utf-8", "backslashreplace")
    return None


def _change(document: Any, choice: random.Random) -> None:
    place = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = choice.choice(keys)
        if isinstance(place[key], dict | list) and place[key] and choice.random() < 0.85:
            place = place[key]
            continue
        break
    kind = choice.randrange(7)
    if kind == 0:
        del place[key]
    elif kind == 1 and isinstance(place, list):
        place.insert(choice.randrange(len(place) + 1), json_copy(place[key]))
    elif kind == 2 and isinstance(place, dict):
        place[choice.choice(keys)] = place[key]
    elif kind == 3 and isinstance(place[key], int | float) and not isinstance(place[key], bool):
        place[key] = place[key] * choice.choice((-1, 2, 1000)) + choice.choice((-1, 0, 1))
    elif kind == 4 and isinstance(place[key], str):
        place[key] += choice.choice((".x", " ", "\n", "é"))
    else:
        place[key] = json_copy(choice.choice(VALUES))


def json_copy(value: Any) -> Any:
    """A list or table of its own, so that one change stays one."""
    return json.loads(json.dumps(value)) if isinstance(value, list | dict) else value

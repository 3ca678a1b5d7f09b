"""Reporters: each is one pure function ``render(reports, view) -> str``, found by the entry-point group.

``reports`` are those of one run, one for each model. Text in them comes from other people's code:
``mac_audit.reporters.escape`` makes it harmless.

To add one, write the function in a file of its own and name it under ``mac_audit.reporters`` in setup.cfg, or in
the setup of a package of your own.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Literal

from mac_audit.errors import MacAuditError
from mac_audit.report import Report

GROUP = "mac_audit.reporters"

Sort = Literal["order", "mac", "madds", "params", "time"]
Detail = Literal["quiet", "normal", "verbose"]
SORTS: tuple[Sort, ...] = ("order", "mac", "madds", "params", "time")


@dataclass(frozen=True, slots=True)
class View:
    """What the reader wants to see; a reporter for machines ignores it.

    ``width`` in characters, ``depth`` of the layer table (None: chosen to keep it short), and its ``sort``: the
    order of the model, or the costliest layers first. With ``fold`` alike layers beside each other are one row.
    ``detail``: quiet is the verdict and a line a finding, verbose everything.
    """

    width: int = 80
    color: bool = False
    depth: int | None = None
    sort: Sort = "order"
    fold: bool = True
    detail: Detail = "normal"


Reporter = Callable[[Sequence[Report], View], str]


def reporter(name: str) -> Reporter:
    """The installed reporter of that name."""
    entries = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in entries:
        close = difflib.get_close_matches(name, entries, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise MacAuditError(f"There is no format {name!r}; choose one of {', '.join(sorted(entries))}.{hint}")
    loaded: Reporter = entries[name].load()
    return loaded

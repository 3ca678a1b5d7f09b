"""Outcome: what became of one row, as plain data that travels between processes."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from mac_audit.errors import MacAuditError
from mac_audit.load import load
from mac_audit.request import Request
from tests.corpus import oracle
from tests.corpus.row import Row
from tests.costing import reported


@dataclass(frozen=True)
class Outcome:
    """An audit, held against a count that is not its own.

    ``method`` is the step of capture that succeeded and ``fallback`` why none before it did; ``error`` is the sentence
    where none did at all. ``exact`` and ``unknown`` count operators; ``expected`` are the multiply-adds that ``source``
    counted.
    """

    name: str
    method: str = ""
    fallback: str = ""
    exact: int = 0
    unknown: tuple[tuple[str, int], ...] = ()
    madds: int | None = None
    expected: int | None = None
    source: str = ""
    seconds: float = 0.0
    error: str = ""

    @property
    def captured(self) -> bool:
        """Whether there is a report."""
        return self.madds is not None

    @property
    def agrees(self) -> bool | None:
        """Whether the multiply-adds are the expected ones; None where they cannot be compared."""
        return None if None in (self.madds, self.expected) else self.madds == self.expected


def outcome(row: Row) -> Outcome:
    """Audit one row as the command line would, and hold it against the oracle. Whatever raises is an outcome too."""
    found = _audited(row)
    if row.uncompared:
        return replace(found, source=row.uncompared)
    if row.madds is not None:
        return replace(found, expected=row.madds, source="by hand")
    try:
        madds, tensors = oracle.count(lambda: call(row.twin or row.request))
    except Exception as error:
        return replace(found, source=f"the oracle failed: {_sentence(error)}")
    return replace(found, expected=madds, source=tensors if row.twin is None else f"{tensors}, of its twin")


def _audited(row: Row) -> Outcome:
    start = time.perf_counter()
    try:
        report = reported(row.request)
    except MacAuditError as error:
        return Outcome(row.name, seconds=time.perf_counter() - start, error=str(error))
    except Exception as error:  # a mistake of ours: shown as one
        return Outcome(row.name, seconds=time.perf_counter() - start, error=f"crash: {_sentence(error)}")
    return Outcome(
        row.name,
        method=report.capture["method"],
        fallback=report.capture.get("fallback", ""),
        exact=report.coverage.exact,
        unknown=tuple((unknown.target, unknown.count) for unknown in report.coverage.unknown),
        madds=report.totals.madds,
        seconds=time.perf_counter() - start,
    )


def call(request: Request) -> oracle.Call:
    """The model of ``request``, built anew, with its inputs."""
    loaded = load(request.target, request.arguments, request.inputs, phase=request.phase)
    return oracle.Call(loaded.model, loaded.inputs.args, dict(loaded.inputs.kwargs))


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"

"""Row: one model of the corpus, and how its multiply-adds are known."""

from __future__ import annotations

from dataclasses import dataclass

from mac_audit.request import Request


@dataclass(frozen=True)
class Row:
    """What to audit, as a user would ask for it, and what to hold the count against.

    The multiply-adds are counted by ``oracle.count``, on the model itself or on ``twin``, the same model in a form that
    torch can count. ``madds`` gives them by hand instead; ``uncompared`` says why there are none to compare with.
    ``label`` tells rows of one target apart.
    """

    request: Request
    label: str = ""
    twin: Request | None = None
    madds: int | None = None
    uncompared: str = ""

    @property
    def name(self) -> str:
        """Unique in the corpus."""
        return f"{self.request.target} {self.label}".rstrip()

"""Python's garbage collector during an audit."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collected_later() -> Iterator[None]:
    """No collections meanwhile: an audit makes many objects, almost all of which stay.

    Each collection would look through all that torch and other libraries left in memory too, which took half of the
    time of an audit in a process that had imported transformers.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()

"""Progress on standard error, where that is a terminal; gone when the work is done."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

_AT_ONCE = 0.5  # seconds: what takes no longer needs no progress


@contextlib.contextmanager
def progress(total: int) -> Iterator[Callable[[str], object]]:
    """A bar; what it gives is called after each step with a description."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn

    columns = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False)
    with _shown(columns, "", total) as update:
        yield lambda description: update(description, 1)


@contextlib.contextmanager
def working(description: str) -> Iterator[None]:
    """What is being done, and for how long, of work whose end cannot be told."""
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    spinner = SpinnerColumn("dots" if "utf" in (sys.stderr.encoding or "").lower() else "line")
    with _shown((spinner, TextColumn("{task.description}", markup=False), TimeElapsedColumn()), description, None):
        yield


@contextlib.contextmanager
def _shown(
    columns: tuple[ProgressColumn, ...], description: str, total: int | None
) -> Iterator[Callable[[str, int], object]]:
    """It writes to standard error itself, also while that stands in for standard output, and replaces neither."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import Progress

    from mac_audit.reporters.escape import printable

    console = Console(file=sys.stderr, no_color=True)
    bar = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    task = bar.add_task(printable(description), total=total)
    start = threading.Timer(_AT_ONCE, bar.start)
    start.daemon = True
    start.start()
    try:
        yield lambda description, steps: bar.update(task, advance=steps, description=printable(description))
    finally:
        start.cancel()
        start.join()
        bar.stop()

"""Several jobs, each in a process of its own: no model sees what another imported, and none takes the others along.

A model that raises, calls ``sys.exit`` or whose process is killed is a report with an ``error``.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

from mac_audit.engine import not_audited
from mac_audit.errors import MacAuditError
from mac_audit.job import Audited, Job, run


def run_all(
    jobs: Sequence[Job], processes: int, done: Callable[[Job], object], show_traceback: bool = False
) -> list[Audited]:
    """The results of ``jobs`` in their order, ``processes`` at a time; ``done`` is called after each, from threads.

    With ``show_traceback`` a process prints the traceback of what it could not do.
    """
    context = _context(jobs)

    def apart(job: Job) -> Audited:
        receiver, sender = context.Pipe(duplex=False)
        arguments = (job, os.getcwd(), sender, show_traceback)
        process = context.Process(target=_work, args=arguments, daemon=True)
        process.start()
        sender.close()
        try:
            result: Audited | str = receiver.recv()
        except EOFError:
            process.join()
            result = _ended(job, process.exitcode)
        process.join()
        receiver.close()
        done(job)
        return result if isinstance(result, Audited) else Audited(not_audited(job.request, job.name, result))

    with ThreadPoolExecutor(processes) as pool:
        return list(pool.map(apart, jobs))


def _context(jobs: Sequence[Job]) -> Any:
    """Processes from a server that has imported torch once, where the system can do that."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    if any(job.needs_torch for job in jobs):
        context.set_forkserver_preload(["mac_audit.api", __name__])
    return context


def _work(job: Job, folder: str, sender: Connection, show_traceback: bool) -> None:
    os.chdir(folder)
    sys.stdout.flush()
    os.dup2(sys.__stderr__.fileno() if sys.__stderr__ else 2, 1)  # what the model's code prints is no result
    try:
        sender.send(run(job))
    except MacAuditError as error:
        if show_traceback:
            traceback.print_exc()
        sender.send(str(error))
    except (Exception, SystemExit) as error:
        if show_traceback:
            traceback.print_exc()
        text = " ".join(str(error).split())
        sender.send(f"An error of mac-audit's own, please report it: {type(error).__name__}: {text}")


def _ended(job: Job, code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return f"The process that audited {job.request.target} was killed ({name}); memory may have run out."
    return f"Auditing {job.request.target} ended its process with status {code}; take out what calls os._exit."

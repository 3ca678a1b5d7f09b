"""Isolation: the audited model's code runs in a process of its own, whose faults are sentences here.

This process starts one *server* (``mac_audit.keeper``), which imports torch once. For each piece of work the server
forks a *keeper*, which forks the *worker* that runs the model's code and holds it to its limits::

    mac-audit ──▶ server ──▶ keeper ──▶ worker ──▶ whatever it starts
        ▲                      │
        └──── JSON ◀───────────┘

Only JSON comes back, never a pickle, and it is validated: nothing of the model's is executed here.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from mac_audit.errors import MacAuditError
from mac_audit.plain import from_plain
from mac_audit.request import Request
from mac_audit.units import quantity, size

T = TypeVar("T")

FORKS = hasattr(os, "fork")
AVAILABLE = FORKS  # what runs in a process of its own already, as the documentation's commands, turns it off
_GRACE = 20.0  # seconds beyond its limit after which a keeper that says nothing is taken to have been stopped
_FORKING = 5.0  # the same for a server that should fork a keeper, and did so before
_STARTING = 300.0  # the same for a new one, which imports torch first
_STATUS = Path("/proc/self/stat")  # of a process
_ATTEMPTS = 5  # at having a keeper, where servers are killed
_TICK = 0.2  # seconds between looks at whether to go on waiting


@dataclass(frozen=True, slots=True)
class Limits:
    """What a piece of work may take: seconds to each result, bytes of memory, 0 for no limit; and the network."""

    seconds: float = 0.0
    memory: int = 0
    network: bool = False

    @classmethod
    def of(cls, request: Request) -> Limits:
        """The limits that ``request`` states; ``MacAuditError`` where they are none, or cannot be kept here."""
        if not 0 <= request.timeout < float("inf"):
            raise MacAuditError(f"timeout should be seconds, or 0 for no limit, but is {request.timeout}.")
        memory = quantity(request.memory, "memory") if request.memory is not None else None
        if memory is not None and (memory.unit != "bytes" or memory.number < 1):
            raise MacAuditError(f'memory should be a size such as "4 GB", but is {request.memory!r}.')
        if memory is not None and not sys.platform.startswith("linux"):
            raise MacAuditError("The memory of a process can be watched on Linux alone; leave --memory out.")
        if memory is not None and not _STATUS.exists():
            raise MacAuditError(f"This system has no {_STATUS}, so memory cannot be watched; leave --memory out.")
        return cls(request.timeout, int(memory.number) if memory else 0, request.network)


def only(results: Iterator[T]) -> T:
    """The one result of work that has one."""
    found = list(results)
    if len(found) != 1:
        raise MacAuditError(f"An audit sent {len(found)} results, not one; its model's code writes to our files.")
    return found[0]


@contextlib.contextmanager
def kept_for_results() -> Iterator[None]:
    """Meanwhile Python's prints and those of processes that are started here go to standard error."""
    with contextlib.ExitStack() as stack:
        if sys.__stdout__ is not None:
            sys.__stdout__.flush()
        with contextlib.suppress(OSError):  # one of the two may be closed
            kept = os.dup(1)
            stack.callback(os.close, kept)
            os.dup2(2, 1)
            stack.callback(os.dup2, kept, 1)
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        yield


class _InChild(Exception):
    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def isolated(
    kind: type[T],
    work: Callable[..., Iterator[T]],
    arguments: Sequence[Any],
    request: Request,
    stop: threading.Event | None = None,
) -> Iterator[T]:
    """What ``work(*arguments)`` yields, each a ``kind``, from a process of its own within the limits of ``request``.

    ``work`` is a function of a module. Without isolation it runs here. ``stop`` ends it from another thread, as does
    closing the iterator. ``MacAuditError`` says what became of a process that ended otherwise, and carries what the
    work raised.
    """
    if not request.isolation or not AVAILABLE:
        with kept_for_results():
            yield from work(*arguments)
        return
    limits = Limits.of(request)
    task = pickle.dumps((request.target, work, tuple(arguments), limits, os.getcwd(), dict(os.environ), list(sys.path)))
    with contextlib.closing(_messages(task, request, limits, stop)) as messages:
        for message in messages:
            value = _read(message, request)
            if "done" in value:
                return
            if "error" in value:
                cause = _InChild(_text(value["traceback"])) if value.get("traceback") else None
                told = " ".join(_text(value["error"]).split())  # one line, whatever names it tells
                raise MacAuditError(told) from cause
            yield from_plain(kind, value.get("result"), f"The result of {request.target}")


def _messages(
    task: bytes, request: Request, limits: Limits, stop: threading.Event | None
) -> Generator[bytes, None, None]:
    """What the worker sends; ``MacAuditError`` where it ends without a last word, or its keeper does."""
    keeper, heard, attempts = 0, time.monotonic(), 1
    server = start()
    link = server.send(task)
    try:
        while True:
            if not link.poll(_TICK):
                if stop is not None and stop.is_set():
                    raise MacAuditError(f"Auditing {request.target} was interrupted.")
                silent = time.monotonic() - heard
                if keeper and limits.seconds and silent > limits.seconds + _GRACE:
                    with suppress(ProcessLookupError):  # somebody stopped it, else it would have kept the time
                        os.kill(keeper, signal.SIGKILL)
                if not keeper and silent > (_FORKING if server.has_forked else _STARTING):
                    server.kill()  # somebody stopped it; a new one takes its place
                continue
            heard = time.monotonic()
            try:
                message = link.recv_bytes()
            except (EOFError, OSError):
                link.close()
                if keeper or attempts == _ATTEMPTS:
                    raise MacAuditError(
                        f"The process that watches over the audit of {request.target} was killed; take out what kills"
                        " other processes."
                    ) from None
                server, attempts = start(), attempts + 1  # another model killed the server
                link = server.send(task)
                continue
            if message[:1] == b"m":
                yield message[1:]
                continue
            verdict = json.loads(message[1:])
            if "end" in verdict:
                raise MacAuditError(_ended(verdict, request, limits))
            keeper, server.has_forked = verdict["keeper"], True
    finally:
        link.close()


def _read(message: bytes, request: Request) -> dict[str, Any]:
    """A message of the worker, which its model may have written."""
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise MacAuditError(
            f"Auditing {request.target} sent something that is no result; its code writes to a file that it did not"
            " open."
        )
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "It sent an error that is no text."


def _ended(verdict: dict[str, Any], request: Request, limits: Limits) -> str:
    """The sentence for a worker that ended without a result."""
    target = request.target
    match verdict["end"]:
        case "time":
            return (
                f"Auditing {target} took longer than {limits.seconds:g} s and was ended; take out what does not come to"
                " an end, or allow more with --timeout."
            )
        case "memory":
            return (
                f"Auditing {target} used {size(verdict['used'])} of memory, more than {size(limits.memory)}, and was"
                " ended; take out what needs it, or allow more with --memory."
            )
        case "large":
            return f"Auditing {target} sent a result of more than {size(verdict['most'])} and was ended."
        case "killed":
            with suppress(ValueError):
                name = signal.Signals(verdict["signal"]).name
                return f"The process that audited {target} was killed ({name}); memory may have run out."
            return f"The process that audited {target} was killed (signal {verdict['signal']})."
        case _:
            return f"Auditing {target} ended its process with status {verdict['status']}; take out what calls os._exit."


# --- the server ----------------------------------------------------------------------------------------------------


class _Server:
    """The process that has torch and forks; one for the life of this process."""

    def __init__(self, with_torch: bool) -> None:
        self.has_forked = False  # so torch is imported
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(_STARTING)  # one that is stopped reads nothing
        self._lock = threading.Lock()
        # Modules are looked for where this process looks for them, and not in the working directory too.
        program = f"import sys; sys.path[:] = {sys.path!r}; from mac_audit.keeper import serve"
        program += f"; serve({theirs.fileno()}, {with_torch})"
        self._process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.DEVNULL,
            stdout=_standard_error(),
            stderr=_standard_error(),
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # Ctrl-C is for this process, which ends the others
        )
        theirs.close()

    def send(self, task: bytes) -> Connection:
        """Have ``task`` done; the way to its keeper."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            descriptors = [theirs.fileno(), _standard_error()]
            try:
                socket.send_fds(self._socket, [len(task).to_bytes(8, "big")], descriptors)
                self._socket.sendall(task)
            except OSError:  # gone, or closed by another thread that found it gone; told as the end of the way back
                self.kill()
        return Connection(ours.detach())

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self._socket.close()
        self.kill()


_server: _Server | None = None
_starting = threading.Lock()


def start(with_torch: bool = True) -> _Server:
    """The server, started where none runs; it imports torch while this process goes on, or leaves that to each work."""
    global _server  # noqa: PLW0603
    with _starting:
        if _server is None or not _server.running:
            if _server is not None:
                _server.close()
            _server = _Server(with_torch)
            atexit.register(_server.close)
        return _server


@functools.cache
def _nowhere() -> int:
    return os.open(os.devnull, os.O_RDWR)


def _standard_error() -> int:
    """Where messages go; nowhere for a process that was started without."""
    try:
        os.fstat(2)
    except OSError:
        return _nowhere()
    return 2

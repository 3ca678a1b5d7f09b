"""Keeper: forks the worker that runs a model's code, holds it to its limits, and leaves nothing of it behind.

This is the other side of ``mac_audit.isolation``. The server and the keepers run none of the model's code.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import pickle
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mac_audit import closed_network
from mac_audit.errors import MacAuditError
from mac_audit.isolation import Limits
from mac_audit.plain import to_plain

_LARGEST = 2**29  # bytes of a result
_TICK = 0.05  # seconds between looks at time and memory
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
_LAST = (b'{"done"', b'{"error"')  # how the last message of a worker starts
_LISTS = Path("/proc/thread-self/children")  # of children: a choice of those who configure a kernel
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def serve(descriptor: int, with_torch: bool) -> None:
    """Import torch once, then fork a keeper for each task that arrives, until nobody is there to send one.

    ``with_torch`` says whether they need it.
    """
    try:
        with suppress(Exception):  # what is wrong with torch is told by the first work that needs it
            import mac_audit.parallel

            if with_torch:
                import mac_audit.api  # noqa: F401
        gc.freeze()  # a collection in a fork would copy all that torch left in memory
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        with socket.socket(fileno=descriptor) as tasks:
            while True:
                header, (link, messages), _, _ = socket.recv_fds(tasks, 8, 2)
                task = _exactly(tasks, int.from_bytes(header, "big"))
                if os.fork() == 0:
                    tasks.close()
                    _keep(Connection(link), messages, task)
                os.close(link)
                os.close(messages)
    except (OSError, ValueError, EOFError):
        os._exit(0)
    finally:
        os._exit(1)


def _exactly(source: socket.socket, length: int) -> bytes:
    whole = bytearray()
    while len(whole) < length:
        part = source.recv(length - len(whole))
        if not part:
            raise EOFError
        whole += part
    return bytes(whole)


# --- the keeper ----------------------------------------------------------------------------------------------------


def _keep(link: Connection, messages: int, task: bytes) -> None:
    """Fork the worker, pass on what it sends, and say how it ended; never returns."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)  # what a worker leaves behind becomes this process's to kill
        _say(link, {"keeper": os.getpid()})
        target, work, arguments, limits, folder, environment, path = pickle.loads(task)
        results, to_keeper = os.pipe()
        worker = os.fork()
        if worker == 0:
            os.close(results)
            link.close()
            os.environ.clear()
            os.environ.update(environment)
            sys.path[:] = path
            _work(target, work(*arguments), to_keeper, messages, limits, folder)
        os.close(to_keeper)
        end = _watch(worker, results, link, limits)
        _kill_all(worker)
        if end is not None:
            _say(link, end)
    except (OSError, EOFError):  # nobody waits for the result any more
        _kill_all(0)
    finally:
        os._exit(0)


def _say(link: Connection, verdict: dict[str, Any]) -> None:
    link.send_bytes(b"k" + json.dumps(verdict).encode())


def _watch(worker: int, results: int, link: Connection, limits: Limits) -> dict[str, Any] | None:
    """How the worker ended, or was; None where it said so itself, or where nobody waits for it."""
    os.set_blocking(results, False)
    ready = select.poll()
    ready.register(results, select.POLLIN)
    ready.register(link.fileno(), select.POLLIN)
    lines, heard = _Lines(), time.monotonic()
    while True:
        found = dict(ready.poll(1000 * _TICK))
        if link.fileno() in found:
            return None
        ended, status = os.waitpid(worker, os.WNOHANG)  # before the last read: a worker sends nothing after its end
        if found or ended:
            for message in lines.arrived(results):
                link.send_bytes(b"m" + message)
                heard = time.monotonic()
                if message.startswith(_LAST):
                    return None
            if lines.partial > _LARGEST:
                return {"end": "large", "most": _LARGEST}
            if lines.closed and found:  # its end follows, or the time limit
                ready.unregister(results)
        if end := _left(status) if ended else _exceeded(worker, limits, time.monotonic() - heard):
            return end


def _left(status: int) -> dict[str, Any]:
    """How a worker ended by itself, or by another's signal."""
    if os.WIFSIGNALED(status):
        return {"end": "killed", "signal": os.WTERMSIG(status)}
    return {"end": "left", "status": os.WEXITSTATUS(status)}


def _exceeded(worker: int, limits: Limits, seconds: float) -> dict[str, Any] | None:
    if limits.seconds and seconds > limits.seconds:
        return {"end": "time"}
    if limits.memory and (used := _memory(worker, limits.memory)) > limits.memory:
        return {"end": "memory", "used": used}
    return None


class _Lines:
    """The lines that arrive through a pipe which does not block. ``partial`` are the bytes of one that is not whole."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.partial = 0
        self.closed = False

    def arrived(self, pipe: int) -> Iterator[bytes]:
        while self.partial <= _LARGEST:
            try:
                part = os.read(pipe, 2**20)
            except BlockingIOError:
                return
            if not part:
                self.closed = True
                return
            first, *others = part.split(b"\n")
            self._parts.append(first)
            self.partial += len(first)
            for other in others:
                yield b"".join(self._parts)
                self._parts, self.partial = [other], len(other)


def _kill_all(worker: int) -> None:
    """Kill the worker's group, then whatever is left: orphans become children of this process, and so are found."""
    with suppress(ProcessLookupError, PermissionError):
        if worker:
            os.killpg(worker, signal.SIGKILL)
    for _ in range(1000):
        for child in _children()(os.getpid()):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(child, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return
        time.sleep(0.001)


def _children() -> Callable[[int], Sequence[int]]:
    """What tells the children of a process, as they are now."""
    if _LISTS.exists():
        return _listed
    found = _by_parent()
    return lambda process: found.get(process, ())


def _listed(process: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def _by_parent() -> dict[int, list[int]]:
    """The processes of this system, by the process that they are children of."""
    found: dict[int, list[int]] = {}
    if not sys.platform.startswith("linux"):
        return found
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            with suppress(OSError, ValueError, IndexError):  # gone by now
                status = Path(f"/proc/{entry}/stat").read_bytes().rpartition(b")")[2]  # behind the name, whatever it is
                found.setdefault(int(status.split()[1]), []).append(int(entry))
    return found


def _memory(worker: int, limit: int) -> int:
    """Bytes resident in all that runs below this process; pages that are shared count once where that decides."""
    children = _children()
    processes = list({worker, *children(os.getpid())})
    for process in processes:  # grows as it is walked
        processes += children(process)
    page = os.sysconf("SC_PAGE_SIZE")
    used = 0
    for process in processes:
        with suppress(OSError, ValueError, IndexError):
            used += page * int(Path(f"/proc/{process}/statm").read_text().split()[1])
    if used <= limit:
        return used
    fair = 0
    for process in processes:
        with suppress(OSError):
            for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
                fair += 1024 * int(line.split()[1]) if line.startswith("Pss:") else 0
    return fair or used


# --- the worker ----------------------------------------------------------------------------------------------------


def _work(target: str, results: Iterator[Any], pipe: int, messages: int, limits: Limits, folder: str) -> None:
    """Send each of ``results`` and what ends them; never returns, and runs nothing at its exit."""
    this = os.getpid()

    def send(**message: Any) -> None:
        if os.getpid() != this:  # a copy, made by a fork in the model's code
            os._exit(0)
        rest = memoryview(json.dumps(message).encode() + b"\n")
        while rest:
            rest = rest[os.write(pipe, rest) :]

    try:
        _apart(messages, limits, folder)
        for result in results:
            send(result=to_plain(result))
        with suppress(Exception):
            sys.stderr.flush()
        send(done=True)
    except BaseException as error:  # it may be of a class of the model's
        expected = isinstance(error, MacAuditError)
        with suppress(Exception):
            sys.stderr.flush()
        shown = _traced(error) if error.__cause__ is not None or not expected else ""
        text = str(error) if expected else _unexpected(error, target)
        send(error=text, traceback=shown)
    finally:
        os._exit(1)


def _apart(messages: int, limits: Limits, folder: str) -> None:
    """Leave what belongs to the keeper and the terminal, and the network."""
    os.setsid()  # a group to kill, and no terminal to read from
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")  # the first to go where memory runs out
    os.dup2(messages, 1)  # what the model's code prints is no result
    os.dup2(messages, 2)
    os.close(messages)
    sys.stdout = sys.stderr
    threading.excepthook = lambda told: _told(f"a thread of the model raised {_said(told.exc_value)}")
    sys.unraisablehook = lambda told: _told(f"code of the model that cannot raise did: {_said(told.exc_value)}")
    os.chdir(folder)
    if not limits.network:
        os.environ.update(dict.fromkeys(_OFFLINE, "1"))
        closed_network.close_network()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # with the keeper; other credentials would forget it


def _unexpected(error: BaseException, target: str) -> str:
    """The sentence for what should not come this far: by code of the model's where there is some, else by ours."""
    from mac_audit.source import raised_at

    if where := raised_at(error.__traceback__):
        return f"Auditing {target} was ended by {_said(error)}, which its code raised{where}; mend that line."
    return (
        f"Auditing {target} was ended by {_said(error)}, raised in no line of its code; where that changes nothing of"
        " Python or torch, it is an error of mac-audit's own, please report it."
    )


def _told(sentence: str) -> None:
    with suppress(Exception):
        from mac_audit.reporters.escape import printable

        sys.stderr.write(f"mac-audit: {printable(sentence)}\n")


def _said(error: BaseException | None) -> str:
    """Type and text of ``error``, whose code may raise once more."""
    try:
        text = " ".join(str(error).split())
    except BaseException:
        text = "its text cannot be had"
    return f"{type(error).__name__}: {text or 'no message'}"


def _traced(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except BaseException:
        return ""


def _prctl(option: int, value: int) -> None:
    with suppress(AttributeError):  # Linux alone has it
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)

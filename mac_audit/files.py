"""Files: read with a limit and without waiting, written whole, changed by one run at a time.

What is read is data that somebody else may have written: ``mac_audit.plain`` says what is in it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from mac_audit.errors import MacAuditError

# A network of 100,000 operators is some 100 MB; a file beyond this is none of ours.
LARGEST = 1_000_000_000
_LINKS = 40  # from one to the next, beyond which Linux takes them for a circle


def read(path: str | os.PathLike[str], what: str, instead: str, largest: int = LARGEST) -> str:
    """The text of the file ``path``, which is UTF-8, with or without a byte-order mark.

    ``what`` it is called in errors, ``instead`` is what to do about them. ``MacAuditError`` for what is no file (a
    pipe would be waited for without end), for more than ``largest`` bytes, and for what is no text.
    """
    try:
        content = read_bytes(path, largest)
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        told = "it is no text in UTF-8"
    except OSError as error:
        told = error.strerror or str(error)
    except ValueError as error:  # a name with a NUL in it, and what read_bytes refuses
        told = str(error)
    raise MacAuditError(f"{what} cannot be read: {told}; {instead}.")


def read_bytes(path: str | os.PathLike[str], largest: int = LARGEST) -> bytes:
    """The bytes of a file. ``ValueError`` where it is none or too large, ``OSError`` where it cannot be read."""
    # Opened without waiting for whoever writes into a pipe; what was opened is what is looked at.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise ValueError("it is a directory" if stat.S_ISDIR(status.st_mode) else "it is no file")
    with open(descriptor, "rb") as opened:
        content = opened.read(max(status.st_size, 2**16) + 1) if status.st_size <= largest else b""
    if max(len(content), status.st_size) > largest:
        raise ValueError(f"it is larger than {largest / 1e6:,.0f} MB")
    return content


def write_whole(path: Path, content: str | bytes) -> None:
    """Replace ``path`` as a whole, so that an interrupted run leaves the old file.

    A link stays one, and a file keeps its mode; what is no file, such as a pipe, is written to, and so is an open
    descriptor, such as ``/dev/stdout``, also where that leads into a file: what stands there already is somebody's.
    Half a surrogate pair, which UTF-8 does not have, is written as its escape in JSON and Python, ``\\ud800``.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    try:
        if (descriptor := _descriptor(path)) is not None:
            with open(os.dup(descriptor), "wb") as opened:  # opened by its name, it would be written from its start
                opened.write(data)
            return
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        whole = path.resolve()
        _replace(whole, data, stat.S_IMODE(whole.stat().st_mode) if whole.exists() else None)
    except OSError as error:
        raise MacAuditError(f"{path} cannot be written: {error.strerror}; give another file.") from error
    except (ValueError, OverflowError) as error:  # a name with a NUL in it, a descriptor beyond all
        raise MacAuditError(f"{str(path)!r} cannot be written: {error}; give another file.") from error


def _descriptor(path: Path) -> int | None:
    """The open descriptor of this process that ``path`` names, as ``/dev/stdout`` and ``/dev/fd/3`` do."""
    for _ in range(_LINKS):
        folder = path.parent.resolve()
        if path.name.isdecimal() and folder in (Path("/dev/fd"), Path(f"/proc/{os.getpid()}/fd")):
            return int(path.name)
        if not path.is_symlink():
            break
        path = folder / path.readlink()
    return None


def _replace(whole: Path, data: bytes, mode: int | None) -> None:
    temporary = whole.with_name(f".{whole.name[:100]}.{secrets.token_hex(6)}")  # two runs never share one
    try:
        with temporary.open("xb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())  # before it takes the name: a machine that stops leaves no empty file
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(whole)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Let no other run be inside for the same ``path``: who reads, changes and writes a file loses no change.

    It holds a lock of the system on the folder, which leaves nothing behind and ends with its process. Where the
    system has none (Windows, some network drives) runs are not kept apart.
    """
    try:
        import fcntl

        folder = os.open(path.resolve().parent, os.O_RDONLY)
    except (ImportError, OSError, ValueError):  # what is wrong with the folder is told by what writes into it
        yield
        return
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)

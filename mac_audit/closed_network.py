"""A process without a network: what the audited model's code is run in.

Two things, each alone. On Linux, where the system permits it, the process moves into a network of its own that has a
loopback and nothing else, which no code can leave: as root, or with a user namespace (containers often forbid those).
Everywhere, Python's ``connect``, ``sendto`` and look-ups of names raise an ``OSError`` that says why; native code that
opens sockets itself does not meet that one. Sockets of the file system keep working.
"""

from __future__ import annotations

import ctypes
import fcntl
import ipaddress
import os
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

CLOSED = "the network is closed during an audit; --network opens it"
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_LOOPBACK = ("localhost", "ip6-localhost", "::1", "0.0.0.0", "::", "")
_EVENTS = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")


def close_network() -> None:
    """Close the network of this process, and of all that it starts, for good. It should have one thread."""
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):
            _leave()
    sys.addaudithook(_refuse)


def _leave() -> None:
    """Into a network of our own; ``OSError`` where it is not permitted."""
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    user, group = os.getuid(), os.getgid()
    if unshare(_CLONE_NEWNET) != 0:
        if unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: it cannot be taken back, nor asked not to look."""
    if event not in _EVENTS:
        return
    address = arguments[0] if event in ("socket.getaddrinfo", "socket.gethostbyname") else arguments[1]
    if isinstance(address, tuple):
        address = address[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        return  # a path, as of AF_UNIX, or None where the socket is connected
    host = address.decode("ascii", "replace") if isinstance(address, bytes) else address
    if host is not None and not (isinstance(host, str) and (host in _LOOPBACK or _is_loopback(host))):
        raise OSError(CLOSED)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return False

"""What operators were measured to take, kept in a small database of the user's.

A time belongs to a device, a version of torch and an operator's signature: its target, the shapes and dtypes of its
tensors, which of them are weights, and all other arguments. So a second architecture that has the same layers is
predicted from them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf
from pathlib import Path

from mac_audit.cost import Costed
from mac_audit.device import Device
from mac_audit.device_file import home, is_calibrated
from mac_audit.errors import MacAuditError
from mac_audit.network import Argument, Network, Operator, Ref
from mac_audit.profile import Measurements

SCHEMA_VERSION = 1
WAIT = 60  # seconds for another run to finish what it writes, which takes it milliseconds

_TABLE = """
create table if not exists timings (
    device text, torch text, signature text, what text, seconds real, spread real,
    primary key (device, torch, signature)
)
"""


class Timings:
    """The times of one ``device`` under one version of ``torch``; each is kept as soon as it is added.

    Any number of runs may add at once. A store that is damaged is put aside under another name, and
    ``MacAuditError`` tells of it; the next run begins a new one.
    """

    def __init__(self, device: str, torch: str, path: Path | None = None) -> None:
        self._where = path or home() / "timings.sqlite"
        self._key = (device, torch)
        try:
            self._where.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(self._where) and not self._where.is_file():
                raise MacAuditError(f"{self._where} is no file, and times are kept in it; move it away.")
        except OSError as error:
            raise MacAuditError(f"Times cannot be kept in {self._where}: {error.strerror}; mend that first.") from None
        with self._told():
            self._database = sqlite3.connect(self._where, timeout=WAIT)
            (found,) = self._database.execute("pragma user_version").fetchone()
            if found not in (0, SCHEMA_VERSION):  # 0 is an empty one
                raise MacAuditError(
                    f"{self._where} has version {found}, but this mac-audit keeps times in version {SCHEMA_VERSION};"
                    " set MAC_AUDIT_HOME to another folder."
                )
            if found == 0:
                with self._database:
                    self._database.execute(_TABLE)
                    self._database.execute(f"pragma user_version = {SCHEMA_VERSION}")

    def add(self, entries: Iterable[tuple[str, str, float, float]]) -> None:
        """Keep times by signature: (signature, what it is in words, seconds, spread); a new one replaces the old."""
        with self._told(), self._database:
            self._database.executemany(
                "insert or replace into timings values (?, ?, ?, ?, ?, ?)", [(*self._key, *entry) for entry in entries]
            )

    def get(self, signatures: Iterable[str]) -> dict[str, tuple[float, float]]:
        """Seconds and spread of those that are known."""
        query = "select seconds, spread from timings where device = ? and torch = ? and signature = ?"
        found: dict[str, tuple[float, float]] = {}
        with self._told():
            for signature in signatures:
                row = self._database.execute(query, (*self._key, signature)).fetchone()
                if row is not None:
                    if not all(isinstance(number, float) and 0 <= number < inf for number in row):
                        raise sqlite3.DatabaseError(f"a time of {row[0]!r}")
                    found[signature] = row
        return found

    def measured(self, operators: Sequence[Costed], network: Network) -> Mapping[str, float]:
        """Seconds of those operators that are known, by name: what ``Profile`` calls measurements."""
        signatures = {costed.operator.name: signature(costed.operator, network) for costed in operators}
        known = self.get(set(signatures.values()))
        return {name: known[text][0] for name, text in signatures.items() if text in known}

    def forget(self) -> None:
        """Drop all times of this device and version."""
        with self._told(), self._database:
            self._database.execute("delete from timings where device = ? and torch = ?", self._key)

    def close(self) -> None:
        """Leave the database."""
        self._database.close()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what goes wrong in a sentence, and put a damaged file aside."""
        try:
            yield
        except sqlite3.OperationalError as error:  # locked, read-only, no space, a table of somebody else's
            raise MacAuditError(
                f"Times cannot be kept in {self._where}: {error}; mend that, or set MAC_AUDIT_HOME to another folder."
            ) from error
        except sqlite3.DatabaseError as error:
            aside = self._where.with_name(f"{self._where.name}.damaged-{secrets.token_hex(3)}")
            with contextlib.suppress(OSError):  # another run did so before
                self._where.rename(aside)
            raise MacAuditError(
                f"The store of measured times, {self._where}, is damaged ({error}); it was put aside as {aside.name},"
                " and the next run begins a new one."
            ) from error


def known_times(device: Device | None) -> Measurements | None:
    """What ``Profile`` asks for measured times on ``device``; None where it was not calibrated on this machine."""
    if device is None or not is_calibrated(device):
        return None

    def measured(operators: Sequence[Costed], network: Network) -> Mapping[str, float]:
        store = Timings(device.name, network.capture.get("torch", ""))
        found = store.measured(operators, network)
        store.close()
        return found

    return measured


def signature(operator: Operator, network: Network) -> str:
    """What makes an operator's time: the same for the same work, wherever it stands."""
    arguments = {name: _described(value, network) for name, value in operator.arguments.items()}
    text = json.dumps([operator.target, arguments, bool(operator.kernel)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def in_words(operator: Operator, network: Network) -> str:
    """The operator for a person who looks into the database."""
    shapes = ", ".join("×".join(map(str, network.tensors[index].shape)) for index in operator.inputs)
    return f"{operator.target}({shapes})"


def _described(value: Argument, network: Network) -> object:
    if isinstance(value, Ref):
        tensor = network.tensors[value.tensor]
        return [list(tensor.shape), tensor.dtype, tensor.elements, tensor.is_weight]
    if isinstance(value, tuple):
        return [_described(item, network) for item in value]
    return str(value)

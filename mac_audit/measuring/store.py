"""What operators were measured to take, kept in a small database of the user's.

A time belongs to a device, a version of torch and an operator's signature: its target, the shapes and dtypes of its
tensors, which of them are weights, and all other arguments. So a second architecture that has the same layers is
predicted from them.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mac_audit.cost import Costed
from mac_audit.device import Device
from mac_audit.device_file import home, is_calibrated
from mac_audit.network import Argument, Network, Operator, Ref
from mac_audit.profile import Measurements

_TABLE = """
create table if not exists timings (
    device text, torch text, signature text, what text, seconds real, spread real,
    primary key (device, torch, signature)
)
"""


class Timings:
    """The times of one ``device`` under one version of ``torch``; each is kept as soon as it is added."""

    def __init__(self, device: str, torch: str, path: Path | None = None) -> None:
        where = path or home() / "timings.sqlite"
        where.parent.mkdir(parents=True, exist_ok=True)
        self._key = (device, torch)
        self._database = sqlite3.connect(where)
        self._database.execute(_TABLE)

    def add(self, entries: Iterable[tuple[str, str, float, float]]) -> None:
        """Keep times by signature: (signature, what it is in words, seconds, spread); a new one replaces the old."""
        with self._database:
            self._database.executemany(
                "insert or replace into timings values (?, ?, ?, ?, ?, ?)", [(*self._key, *entry) for entry in entries]
            )

    def get(self, signatures: Iterable[str]) -> dict[str, tuple[float, float]]:
        """Seconds and spread of those that are known."""
        query = "select seconds, spread from timings where device = ? and torch = ? and signature = ?"
        found: dict[str, tuple[float, float]] = {}
        for signature in signatures:
            row = self._database.execute(query, (*self._key, signature)).fetchone()
            if row is not None:
                found[signature] = row
        return found

    def measured(self, operators: Sequence[Costed], network: Network) -> Mapping[str, float]:
        """Seconds of those operators that are known, by name: what ``Profile`` calls measurements."""
        signatures = {costed.operator.name: signature(costed.operator, network) for costed in operators}
        known = self.get(set(signatures.values()))
        return {name: known[text][0] for name, text in signatures.items() if text in known}

    def forget(self) -> None:
        """Drop all times of this device and version."""
        with self._database:
            self._database.execute("delete from timings where device = ? and torch = ?", self._key)

    def close(self) -> None:
        """Leave the database."""
        self._database.close()


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

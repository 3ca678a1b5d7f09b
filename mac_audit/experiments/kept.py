"""Experiments of this machine, kept beside its calibrated devices, and what they and the paper's say of a device."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mac_audit.device import Device
from mac_audit.device_file import home
from mac_audit.errors import MacAuditError
from mac_audit.evidence import Evidence
from mac_audit.experiments import PLATFORMS, scans
from mac_audit.experiments.outcome import Experiment
from mac_audit.files import read, write_whole

# What a network of each table is called by its amount, and the one that it is compared with.
_G4 = {1: "ReLUs in bottlenecks", 2: "shortcuts around bottlenecks"}
_THAN = {"G1": "equal widths", "G2": "no groups", "G3": "one", "G4": "none"}


def keep(found: Experiment) -> Path:
    """Write it where ``evidence_on`` finds it, in the place of an earlier one of the same kind."""
    kind = "-compiled" if found.compiled else ""
    path = folder_for(found.device) / f"{found.guideline}-{found.dtype}{kind}-torch-{found.torch}.json"
    write_whole(path, found.to_json())
    return path


def folder_for(device: str) -> Path:
    """Where experiments on ``device`` are kept, made; ``MacAuditError`` where it cannot be."""
    folder = _folder(device)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MacAuditError(
            f"Experiments cannot be kept in {folder}: {error.strerror}; set MAC_AUDIT_HOME to a folder of yours."
        ) from None
    return folder


def kept(device: str) -> list[Experiment]:
    """Those of ``device``, the latest first; ``MacAuditError`` names a file that is not one."""
    found = []
    for path in sorted(_folder(device).glob("*.json")):
        text = read(path, str(path), "remove it, or run the experiment again")
        found.append(Experiment.from_json(text, str(path)))
    return sorted(found, key=lambda experiment: experiment.date, reverse=True)


def evidence_on(device: Device | None) -> tuple[Evidence, ...]:
    """What was measured on ``device``, here or by the paper; nothing on others, however much they are like it."""
    if device is None:
        return ()
    latest: dict[tuple[str, str, bool], Experiment] = {}
    for found in kept(device.name):
        latest.setdefault((found.guideline, found.dtype, found.compiled), found)
    return (*(told for found in latest.values() for told in _measured(found)), *_printed(device.name))


def _measured(found: Experiment) -> Iterator[Evidence]:
    code = found.guideline.upper()
    how = f"{found.dtype}, torch {found.torch}" + (", compiled" if found.compiled else "")
    for scan in found.scans:
        for point in scan.points[1:]:
            if point.amount is not None:
                yield Evidence(
                    code=code,
                    device=found.device,
                    what=_what(code, point.amount),
                    than=_THAN[code],
                    longer=point.longer,
                    width=scan.width,
                    amount=point.amount,
                    source=f"experiment {found.guideline} of {found.date}, {how}",
                    within=point.longer_within,
                    dtype=found.dtype,
                    compiled=found.compiled,
                )


def _printed(name: str) -> Iterator[Evidence]:
    for table in (1, 2, 3, 4):
        code = f"G{table}"
        for scan in scans(table):
            rows = sorted(scan, key=lambda row: row.breaks)
            for row in rows[1:]:
                if PLATFORMS[row.platform] == name and row.amount is not None:
                    yield Evidence(
                        code=code,
                        device=name,
                        what=_what(code, row.amount),
                        than=_THAN[code],
                        longer=rows[0].speed / row.speed - 1,
                        width=rows[0].width,
                        amount=row.amount,
                        source=row.source,
                    )


def _what(code: str, amount: float) -> str:
    if code == "G4":
        return _G4[round(amount)]
    return {"G1": "widths 1:{:g}", "G2": "{:g} groups", "G3": "{:g} fragments side by side"}[code].format(amount)


def _folder(device: str) -> Path:
    return home() / "experiments" / device

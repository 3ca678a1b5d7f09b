"""Device files: the bundled ones, those calibrated on this machine, and a user's own.

A device file is TOML with the fields of ``device.Device``; ``written`` gives the text that ``parse`` reads.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from mac_audit.cost import CLASSES
from mac_audit.device import DEFAULT, STAND_IN, Device, Rates
from mac_audit.errors import MacAuditError, nearest
from mac_audit.files import read
from mac_audit.plain import from_plain, parse_toml, to_plain

LARGEST = 10_000_000  # bytes
LARGEST_FIGURE = 1e24  # in any unit; beyond it is a slip of the pen
AUTO = "auto"  # the device calibrated last


def bundled() -> dict[str, Traversable]:
    """The devices that come with mac-audit, by name."""
    folder = resources.files("mac_audit") / "devices"
    return {path.name[:-5]: path for path in sorted(folder.iterdir(), key=lambda path: path.name)}


def calibrated() -> dict[str, Path]:
    """The devices that were calibrated here, by name, the latest first."""
    found = sorted(home().glob("devices/*.toml"), key=lambda path: -path.stat().st_mtime)
    return {path.stem: path for path in found}


def is_calibrated(device: Device) -> bool:
    """Whether it was calibrated here, so that operators measured on it may be known too."""
    return device.name in calibrated()


def home() -> Path:
    """Where measurements of this machine are kept: ``$MAC_AUDIT_HOME``, else in the user's data folder."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(os.environ.get("MAC_AUDIT_HOME") or Path(data) / "mac-audit")


def find(name: str) -> Device:
    """The device of that name: a file that ends in .toml, ``auto``, one calibrated here, or a bundled one."""
    here = calibrated()
    if name.endswith(".toml"):
        return _read(Path(name), name)
    if name == AUTO:
        if not here:
            raise MacAuditError("No device was calibrated on this machine; run `mac-audit calibrate`, which does it.")
        name = next(iter(here))
    known: dict[str, Traversable] = {**bundled(), **here}
    if name not in known:
        hint = nearest(name, known)
        raise MacAuditError(f"There is no device {name!r}; `mac-audit devices` lists them, or give a .toml file.{hint}")
    return _read(known[name], name)


def parse(text: str, where: str) -> Device:
    """The device that a TOML document describes; ``MacAuditError`` names the place where it does not."""
    device = _checked(from_plain(Device, parse_toml(text, where), where), where)
    if not device.like:
        return device
    if device.rates or device.fit:
        raise MacAuditError(f"{where} has rates of its own and is like {device.like}; give one of them.")
    shares = _read(bundled()[device.like], device.like).rates
    # How groups are launched is no share of the machine but a habit of a library.
    return replace(device, rates={kind: replace(rates, per_group=0.0) for kind, rates in shares.items()})


def written(device: Device) -> str:
    """The whole device as TOML; what is empty or as by default is left out, numbers have six digits."""
    import tomli_w

    content = to_plain(device)
    usual = to_plain(Rates())
    if not device.threads:
        del content["threads"]
    for kind, rates in content["rates"].items():
        content["rates"][kind] = {name: value for name, value in rates.items() if value != usual[name]}
    text: str = tomli_w.dumps(_trimmed(content))
    return text


def _trimmed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _trimmed(item) for key, item in value.items() if item not in (None, "", [], {})}
    if isinstance(value, list):
        return [_trimmed(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _read(path: Traversable, name: str) -> Device:
    if not isinstance(path, Path):  # one of the bundled ones, which may lie in an archive
        return parse(path.read_text(encoding="utf-8"), name)
    told = "`mac-audit devices` lists devices, `mac-audit calibrate` writes one"
    return parse(read(path, f"The device file {name}", told, LARGEST), name)


def _checked(device: Device, where: str) -> Device:
    """``device``, if its numbers can be calculated with."""
    if STAND_IN not in device.peak:
        raise MacAuditError(f"{where} has no peak.{STAND_IN}; other dtypes fall back on it.")
    if device.like and device.like not in bundled():
        hint = "".join(f" Did you mean {name}?" for name in difflib.get_close_matches(device.like, bundled(), n=1))
        raise MacAuditError(f"{where} is like {device.like!r}, which is no bundled device.{hint}")
    for kind in device.rates:
        if kind not in (*CLASSES, DEFAULT) and not kind.startswith("aten."):
            close = difflib.get_close_matches(kind, (*CLASSES, DEFAULT), n=1)
            hint = f" Did you mean {close[0]}?" if close else " Name a class, or an operator like aten.gelu."
            raise MacAuditError(f"{where}.rates.{kind} is no class of operator.{hint}")
    above, least = _numbers(device)
    for name, value in above.items():
        if not 1 / LARGEST_FIGURE <= value <= LARGEST_FIGURE:
            raise MacAuditError(
                f"{where}.{name} is {value:g}; it must be above zero, and a number that some device has."
            )
    for name, value in least.items():
        if not 0 <= value <= LARGEST_FIGURE:
            raise MacAuditError(f"{where}.{name} is {value:g}; it must not be negative, and one that some device has.")
    if list(device.caches) != sorted(device.caches, key=lambda cache: cache.size):
        raise MacAuditError(f"{where}.caches must go from the smallest to the largest.")
    return device


def _numbers(device: Device) -> tuple[dict[str, float], dict[str, float]]:
    """The numbers that must be above zero, and those that may be zero, by their place in the file."""
    above = {f"peak.{dtype}.value": figure.value for dtype, figure in device.peak.items()}
    above |= {"bandwidth.value": device.bandwidth.value, "lanes.value": device.lanes.value}
    for place, cache in enumerate(device.caches):
        above |= {f"caches[{place}].size": cache.size, f"caches[{place}].bandwidth": cache.bandwidth}
    least = {"launch.value": device.launch.value, "threads": device.threads}
    least |= {"view.value": device.view.value} if device.view else {}
    least |= {"between.value": device.between.value} if device.between else {}
    for kind, rates in device.rates.items():
        above |= {f"rates.{kind}.{name}": getattr(rates, name) for name in ("compute", "memory", "weight")}
        least |= {
            f"rates.{kind}.{name}": getattr(rates, name)
            for name in ("width", "fill", "launch", "per_group", "per_step")
        }
        least[f"rates.{kind}.overlap"] = min(rates.overlap, 1 - rates.overlap)  # from 0 to 1
    return above, least

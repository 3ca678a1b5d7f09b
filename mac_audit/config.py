"""The configuration file: ``mac-audit.toml``, or ``[tool.mac-audit]`` in ``pyproject.toml``.

It is looked for from the working directory upwards, as far as the top of the repository; in one folder
``mac-audit.toml`` comes first. Paths in it start at its own folder. Every key is checked.
"""

from __future__ import annotations

import dataclasses
import os
import re
import typing
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mac_audit.errors import MacAuditError, nearest
from mac_audit.files import read as read_text
from mac_audit.plain import from_plain, parse_toml
from mac_audit.report import Severity
from mac_audit.request import Request
from mac_audit.suppress import LayerIgnore

OWN, SHARED = "mac-audit.toml", "pyproject.toml"
LARGEST = 10_000_000  # bytes; others share pyproject.toml, and nobody writes so much by hand
PATHS = ("target", "device", "plugins")  # fields of a request that may name a file
LINE_ALONE = frozenset({"isolation", "network"})  # a file that comes with a model does not let it out
# A file with what may stand around it in a target: ``net.py:Net``, ``transformers:config.json``.
_FILE = re.compile(r"(?P<scheme>[a-z]{2,}:)?(?P<file>.+?\.(?:py|json|pt2?|toml))(?P<name>:\w+)?")


@dataclass(frozen=True, slots=True)
class Model:
    """A model with a name. ``request`` has the fields of ``Request`` that are given, ``target`` always."""

    name: str
    request: dict[str, Any]
    budgets: dict[str, str | int | float] = field(default_factory=dict)
    ignore: tuple[str | LayerIgnore, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """What a file says, or the command line; None and empty is nothing.

    ``request`` has the fields of ``Request`` that hold for every model but those that say otherwise. ``ignore`` are
    rules that do not run, and layers at which findings do not count. ``rules`` are options by code or name.
    """

    file: str = ""
    model: tuple[Model, ...] = ()
    request: dict[str, Any] = field(default_factory=dict)
    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str | LayerIgnore, ...] = ()
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    budgets: dict[str, str | int | float] = field(default_factory=dict)
    fail_on: Severity | None = None
    strict: bool | None = None
    baseline: str | None = None

    @property
    def folder(self) -> Path:
        """Where its paths start."""
        return Path(self.file).resolve().parent


def find(start: Path) -> Path | None:
    """The configuration file that holds for ``start``, a folder."""
    for folder in (start, *start.parents):
        if (own := folder / OWN).is_file():
            return own
        if (shared := folder / SHARED).is_file() and _table(shared) is not None:
            return shared
        if (folder / ".git").exists():
            break
    return None


def read(path: Path) -> Config:
    """The configuration in ``path``; ``MacAuditError`` names the place of what is wrong, and the nearest key."""
    where = os.path.relpath(path)
    table = _table(path)
    if table is None:
        raise MacAuditError(f"{where} has no table [tool.mac-audit]; add one, or give another file with --config.")
    tables = table.pop("model", [])
    if not isinstance(tables, list) or not all(isinstance(model, dict) for model in tables):
        raise MacAuditError(f"{where}: models are written as [[model]] tables, one for each.")
    models = tuple(_model(model, f"{where}: model {i + 1}", path.parent) for i, model in enumerate(tables))
    names = [model.name for model in models]
    if twice := [name for name in names if names.count(name) > 1]:
        raise MacAuditError(f"{where}: two models have the name {twice[0]!r}; give each its own.")
    own, request = _split(table, Config, {"target", "arguments", *LINE_ALONE}, where, path.parent)
    config = from_plain(Config, {**own, "request": request, "file": where}, f"{where}: settings")
    baseline = config.baseline and beside(path.parent, config.baseline)
    return replace(config, model=models, baseline=baseline)


def _model(table: Mapping[str, Any], where: str, folder: Path) -> Model:
    own, request = _split(table, Model, LINE_ALONE, where, folder)
    if "target" not in request:
        raise MacAuditError(f'{where} lacks a target; give it one, as in target = "model.py:Net".')
    model = from_plain(Model, {"name": table["target"], **own, "request": request}, where)
    if empty := [key for key, text in (("name", model.name), ("target", request["target"])) if not text.strip()]:
        raise MacAuditError(f"{where}: its {empty[0]} is empty; write one, or leave the key out.")
    return model


def _split(
    table: Mapping[str, Any], kind: type, without: Set[str], where: str, folder: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The keys of ``table`` that are fields of ``kind``, and those that are fields of a request, checked."""
    hints = typing.get_type_hints(Request)
    fields = {field.name for field in dataclasses.fields(kind)} - {"file", "model", "request"}
    own: dict[str, Any] = {}
    request: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name in fields:
            own[name] = value
        elif name in hints and name not in without:
            request[name] = _beside(folder, name, from_plain(hints[name], value, f"{where}: {key}"))
        else:
            known = [known.replace("_", "-") for known in (*fields, "model", *hints) if known not in without]
            raise MacAuditError(f"{where}: there is no key {key!r}.{nearest(key, known)}")
    return own, request


def _beside(folder: Path, name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_beside(folder, name, item) for item in value)
    return beside(folder, value) if isinstance(value, str) and name in PATHS else value


def beside(folder: Path, text: str) -> str:
    """``text``, where it names a file, as seen from the working directory; it is written as seen from ``folder``."""
    found = _FILE.fullmatch(text)
    if found is None:
        return text
    return f"{found['scheme'] or ''}{os.path.relpath(folder / found['file'])}{found['name'] or ''}"


def _table(path: Path) -> dict[str, Any] | None:
    """What the file says of us; None for one that says nothing."""
    where = os.path.relpath(path)
    document = parse_toml(read_text(path, where, "give another file with --config", LARGEST), where)
    if path.name != SHARED:
        return document
    tool = document.get("tool", {})
    table = tool.get("mac-audit") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise MacAuditError(f"{where}: tool.mac-audit should be a table.")
    return table

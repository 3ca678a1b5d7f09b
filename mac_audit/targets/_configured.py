"""What libraries have in common whose models are built from a ``config.json``: transformers, diffusers."""

from __future__ import annotations

import difflib
import importlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from mac_audit.errors import MacAuditError
from mac_audit.files import read
from mac_audit.targets import broken


@contextmanager
def offline() -> Iterator[None]:
    """Let nothing be downloaded from the hub."""
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    constants = sys.modules.get("huggingface_hub.constants")  # reads the environment once, at its import
    online = getattr(constants, "HF_HUB_OFFLINE", None)
    if constants is not None:
        constants.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]
    try:
        yield
    finally:
        if before is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = before
        constants = sys.modules.get("huggingface_hub.constants")
        if constants is not None:
            constants.HF_HUB_OFFLINE = bool(online) if online is not None else before == "1"  # type: ignore[attr-defined]


@contextmanager
def hidden_if_broken(name: str) -> Iterator[None]:
    """Where the library ``name`` stops at its import, let it count as not installed, so that who can do without does.

    Who cannot meets ``MacAuditError``, which says what is wrong with ``name``.
    """
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        yield
    except Exception as problem:
        sys.modules[name] = None  # type: ignore[assignment]  # by the import system's own rule: not to be found
        try:
            yield
        except Exception as error:
            if any(isinstance(cause, ImportError) and name in str(cause).lower() for cause in _causes(error)):
                raise broken(name, problem) from error
            raise
        finally:
            del sys.modules[name]
    else:
        yield


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """``error`` and what led to it."""
    while error is not None:
        yield error
        error = error.__cause__


def attribute(module: ModuleType, name: str) -> Any:
    """``module.name``, or None; ``MacAuditError`` where what it imports is broken."""
    if name not in dir(module):
        return None
    try:
        return getattr(module, name)
    except Exception as error:
        *_, cause = _causes(error)
        raise MacAuditError(f"{module.__name__}.{name} cannot be imported: {cause}; install what it needs.") from error


def read_config(name: str) -> dict[str, Any] | None:
    """The values of a local ``config.json``, or of the one in a directory; None where ``name`` is no such path."""
    path = Path(name)
    if path.is_dir():
        path = path / "config.json"
    elif path.suffix != ".json":
        return None
    text = read(path, str(path), "give the config.json of a model")
    try:
        values = json.loads(text, object_hook=_decoded)
    except (ValueError, TypeError, RecursionError) as error:
        raise MacAuditError(f"{path} is no JSON: {error}; give the config.json of a model.") from error
    if not isinstance(values, dict):
        raise MacAuditError(f"{path} holds no JSON object; give the config.json of a model.")
    return values


def _decoded(table: dict[str, Any]) -> Any:
    """``{"__float__": "Infinity"}``, as transformers writes what JSON has no number for, as that number."""
    return float(table["__float__"]) if set(table) == {"__float__"} else table


def unknown_model(library_name: str, name: str, known: Iterable[str]) -> MacAuditError:
    """What to say of a name that a library does not have."""
    if "/" in name:
        return MacAuditError(
            f"{name} looks like an id of the hub, and nothing is downloaded; give the path of its config.json, or a"
            f" class and its configuration, as in {library_name}:CLASS --arg KEY=VALUE."
        )
    close = difflib.get_close_matches(name, list(known), n=3)
    hint = f"; did you mean {', '.join(close)}?" if close else "; give a class, or the path of a config.json."
    return MacAuditError(f"There is no model {name!r} in {library_name}{hint}")


def unknown_setting(key: str, place: str, known: Iterable[str]) -> MacAuditError:
    """What to say of an argument that a configuration does not have: libraries take and ignore it."""
    close = difflib.get_close_matches(key, list(known), n=1)
    hint = f"; did you mean {close[0]}?" if close else "."
    return MacAuditError(f"{place} has no {key!r} to set with --arg{hint}")


def nested(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """``{"text_config.hidden_size": 64}`` as ``{"text_config": {"hidden_size": 64}}``."""
    result: dict[str, Any] = {}
    for key, value in arguments.items():
        *path, last = key.split(".")
        place = result
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return result

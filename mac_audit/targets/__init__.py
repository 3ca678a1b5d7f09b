"""Schemes: ways to name a model, a file each.

A file here is a scheme: ``diffusers.py`` serves ``diffusers:NAME``, and a file with ``SUFFIXES`` serves paths that end
so. It holds one function, ``build(name, arguments, target)``: the model that ``name`` means, built with ``arguments``,
and what the scheme knows of its inputs. ``target`` is what the user wrote, for errors. Parameters move to the meta
device while ``build`` runs; where it raises anything but ``MacAuditError`` it is called again with real ones.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from mac_audit.errors import MacAuditError, nearest
from mac_audit.inputs import Found
from mac_audit.sizes import Sizes
from mac_audit.source import boundary


@dataclass(frozen=True)
class Built:
    """A model, what its scheme knows of its inputs, and where its parameters come from if they were not built."""

    model: nn.Module
    inputs: Callable[[Sizes], Found | None] | None = None
    construction: str | None = None


def scheme_of(target: str) -> tuple[Callable[..., Built], str]:
    """The ``build`` of the scheme that ``target`` belongs to, and the name to give it."""
    scheme, _, name = target.partition(":")
    schemes = {
        found.name: f"{__name__}.{found.name}" for found in pkgutil.iter_modules(__path__) if found.name[0] != "_"
    }
    modules = {known: importlib.import_module(path) for known, path in schemes.items()}
    if scheme in modules and name and not hasattr(modules[scheme], "SUFFIXES"):
        return modules[scheme].build, name
    suffix = Path(target).suffix
    own = modules["python"]
    return next((m for m in modules.values() if suffix in getattr(m, "SUFFIXES", ())), own).build, target


@boundary
def call(found: Any, arguments: Mapping[str, Any], target: str) -> nn.Module:
    """The module that ``found`` is, or returns when called with ``arguments``."""
    if isinstance(found, nn.Module):
        if arguments:
            raise MacAuditError(f"{target} is a model already, so --arg has nothing to act on; name its class instead.")
        return found
    try:
        inspect.signature(found).bind(**arguments)
    except TypeError as error:
        known = inspect.signature(found).parameters
        hint = "".join(nearest(key, known) for key in arguments if key not in known)
        raise MacAuditError(f"{target} cannot be called: {error}; give arguments with --arg key=value.{hint}") from None
    except ValueError:
        pass  # no signature to look at
    model = found(**arguments)
    if not isinstance(model, nn.Module):
        raise MacAuditError(f"{target} gives a {type(model).__name__}, not a torch.nn.Module; name what builds one.")
    return model


def choose(table: Mapping[str, Any], name: str, place: str) -> Any:
    """``table[name]``; the nearest names where there is none."""
    if name not in table:
        close = difflib.get_close_matches(name, table, n=3)
        hint = f"; did you mean {', '.join(close)}?" if close else "."
        raise MacAuditError(f"There is no model {name!r} in {place}{hint}")
    return table[name]


def library(name: str) -> ModuleType:
    """The installed library ``name``, imported."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise MacAuditError(f"{name} is not installed; install it in this environment to audit its models.") from None
    except Exception as error:
        raise broken(name, error) from error


def broken(name: str, error: BaseException) -> MacAuditError:
    """What to say of an installed library that stops at its import."""
    return MacAuditError(
        f"The installed {name} does not work with torch {torch.__version__}: {error};"
        " install the versions that belong together."
    )

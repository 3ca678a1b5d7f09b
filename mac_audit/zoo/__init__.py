"""The networks that the paper judges, each written from its own paper.

One file is one family, to be read beside its paper: small parts are rather repeated than shared across families. It
offers ``MODELS``, a mapping from published name to a factory without required arguments; where torchvision has the
same network, ``TORCHVISION_KEYS``, the ordered ``(pattern, replacement)`` pairs that turn the keys of a torchvision
state dict into the file's own. ``published.toml`` holds the parameters and multiply-adds that the papers print, with
their sources; the tests hold every network against it.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from torch import nn

Factory = Callable[..., nn.Module]
V = TypeVar("V")


def models() -> dict[str, Factory]:
    """Every network by its published name, in the order of files and of ``MODELS`` within each."""
    found: dict[str, Factory] = {}
    for module in pkgutil.iter_modules(__path__):
        family: Mapping[str, Factory] = importlib.import_module(f"{__name__}.{module.name}").MODELS
        if twice := found.keys() & family.keys():
            raise ValueError(f"zoo/{module.name}.py names {sorted(twice)[0]!r}, which another file has already.")
        found.update(family)
    return found


def rename_keys(state_dict: Mapping[str, V], pairs: Sequence[tuple[str, str]]) -> dict[str, V]:
    """``state_dict`` with each key rewritten by every regular-expression pair in turn."""
    renamed: dict[str, V] = {}
    for key, value in state_dict.items():
        for pattern, replacement in pairs:
            key = re.sub(pattern, replacement, key)  # noqa: PLW2901
        renamed[key] = value
    return renamed

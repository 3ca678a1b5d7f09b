"""Formulas of ATen operators, a family a file; importing this package registers them all.

To add one, write a function with ``@formula`` (see ``mac_audit.cost``) in the file where its family lives, or a new
file: nothing else needs to know.
"""

from __future__ import annotations

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

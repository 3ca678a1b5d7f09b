"""Formulas and rules of your own: Python files and modules whose import registers them.

A plugin is any Python that calls ``mac_audit.cost.formula``, or that defines rules (``mac_audit.rule``). It needs no
torch, as formulas are functions of shapes::

    from mac_audit.cost import Work, formula

    @formula("mylib.my_op")
    def my_op(x, weight, out):
        return Work("matmul", madds=out.numel * weight.shape[0])
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import mac_audit.formulas  # noqa: F401  so that a plugin which repeats one of ours is told
from mac_audit.cost import registered_together
from mac_audit.errors import MacAuditError

_loaded: dict[str, ModuleType] = {}  # by resolved paths and dotted names


def load_plugins(plugins: Sequence[str]) -> list[ModuleType]:
    """Import each of ``plugins``, a path that ends in ``.py`` or a dotted module name, once a process; the modules.

    A relative path starts at the working directory, where modules are looked for too. Raises ``MacAuditError`` where
    one cannot be imported or registers a second formula for an operator; none of its formulas stays then.
    """
    modules = []
    for plugin in plugins:
        key = str(Path(plugin).resolve()) if plugin.endswith(".py") else plugin
        if key not in _loaded:
            with registered_together(), _told(plugin):
                _loaded[key] = _import_file(Path(key)) if plugin.endswith(".py") else _import_module(plugin)
        modules.append(_loaded[key])
    return modules


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        near = difflib.get_close_matches(path.name, [found.name for found in path.parent.glob("*.py")], n=1)
        raise MacAuditError(f"there is no such file{f', did you mean {near[0]}' if near else ''}")
    name = f"mac_audit_plugin_{len(_loaded)}_{path.stem}"
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    try:
        specification.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _import_module(name: str) -> ModuleType:
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    before = set(sys.modules)
    try:
        return importlib.import_module(name)
    except BaseException:
        for fresh in set(sys.modules) - before:  # so that a second attempt runs them again
            if fresh == name or name.startswith(f"{fresh}."):
                del sys.modules[fresh]
        raise


@contextmanager
def _told(plugin: str) -> Iterator[None]:
    """Whatever an import raises as one sentence about ``plugin``."""
    try:
        yield
    except MacAuditError as error:
        raise MacAuditError(f"The plugin {plugin} cannot be loaded: {str(error).rstrip('.')}.") from error
    except ModuleNotFoundError as error:
        hint = "give the path of a .py file or a module that is installed"
        raise MacAuditError(f"The plugin {plugin} cannot be loaded: {error}; {hint}.") from error
    except (Exception, SystemExit) as error:
        raise MacAuditError(
            f"The plugin {plugin} cannot be loaded: it raised {type(error).__name__}: {error}; mend that first."
        ) from error

"""``model.py``, ``model.py:Name``, ``package.module:name``: a model of the user's own.

Without a name it is the file's ``model``; else its ``build_model`` or ``get_model``; else its only ``nn.Module``
subclass that constructs with the arguments given.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from mac_audit.errors import MacAuditError
from mac_audit.inputs import Found, Inputs
from mac_audit.sizes import Sizes, resized
from mac_audit.source import boundary, raising_line
from mac_audit.targets import Built, call

SUFFIXES = (".py",)
_FACTORIES = ("build_model", "get_model")


def build(name: str, arguments: Mapping[str, Any], target: str) -> Built:
    """The model of a file or of an importable module, with the ``example_inputs`` beside it."""
    place, name = _split(target)
    namespace = _import_file(Path(place)) if place.endswith(".py") else _import_module(place)
    found = _named(namespace, name, target) if name else _conventional(namespace, arguments, target)
    return Built(call(found, arguments, target), lambda sizes: _example_inputs(namespace, sizes, target))


def _example_inputs(namespace: ModuleType, sizes: Sizes, target: str) -> Found | None:
    example = getattr(namespace, "example_inputs", None)
    if example is None:
        return None
    try:
        inputs = Inputs.of(example() if inspect.isroutine(example) else example)
    except Exception as error:
        source = raising_line(error.__traceback__)
        where = f" at {source}" if source else ""
        raise MacAuditError(
            f"The example_inputs of {target} raised {type(error).__name__}{where}: {error}; mend them or give --input."
        ) from error
    return Found(resized(inputs, sizes), "example_inputs beside the model")


def _split(target: str) -> tuple[str, str]:
    place, colon, name = target.rpartition(":")
    if target.endswith(".py"):
        return target, ""
    if not colon or not name.isidentifier():
        hint = f" Did you mean {target}.py?" if Path(f"{target}.py").is_file() else ""
        raise MacAuditError(
            f"{target!r} is no target; give model.py, model.py:Name, package.module:name, zoo:NAME, torchvision:NAME,"
            f" timm:NAME, transformers:NAME, diffusers:NAME or model.pt2.{hint}"
        )
    return place, name


@boundary
def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise MacAuditError(f"There is no file {path}; give the path of a Python file that defines a model.")
    path = path.resolve()
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    sys.modules[path.stem] = module
    specification.loader.exec_module(module)
    return module


@boundary
def _import_module(name: str) -> ModuleType:
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise MacAuditError(f"There is no module {name!r} to import; is it installed here?") from None
        raise


def _named(namespace: ModuleType, name: str, target: str) -> Any:
    if not hasattr(namespace, name):
        close = difflib.get_close_matches(name, vars(namespace), n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise MacAuditError(f"{target}: there is no {name!r} in {namespace.__name__}.{hint}")
    return getattr(namespace, name)


def _conventional(namespace: ModuleType, arguments: Mapping[str, Any], target: str) -> Any:
    """The model of a file by convention; ``MacAuditError`` lists the candidates where it is not obvious."""
    model = getattr(namespace, "model", None)
    if isinstance(model, nn.Module):
        return model
    tiers = (
        ["model"] * inspect.isroutine(model),
        [name for name in _FACTORIES if inspect.isroutine(getattr(namespace, name, None))],
        [name for name, cls in _own_modules(namespace) if _constructs(cls, arguments)],
    )
    for found in tiers:
        if len(found) == 1:
            return getattr(namespace, found[0])
        if found:
            names = ", ".join(found)
            raise MacAuditError(f"Several models fit in {target}: {names}; name one, as in {target}:{found[-1]}.")
    if arguments and len(own := _own_modules(namespace)) == 1:
        return own[0][1]  # which of the arguments it does not take is told where it is called
    others = [name for name, value in vars(namespace).items() if isinstance(value, nn.Module)]
    others += [name for name, _ in _own_modules(namespace)]
    if others:
        hint = f"name one of {', '.join(others)}, as in {target}:{others[-1]} (--arg key=value gives arguments)"
    else:
        hint = "define model, build_model() or a torch.nn.Module that constructs without arguments"
    raise MacAuditError(f"There is no model in {target} by convention; {hint}.")


def _own_modules(namespace: ModuleType) -> list[tuple[str, type[nn.Module]]]:
    return [
        (name, value)
        for name, value in vars(namespace).items()
        if isinstance(value, type) and issubclass(value, nn.Module) and value.__module__ == namespace.__name__
    ]


def _constructs(cls: type, arguments: Mapping[str, Any]) -> bool:
    try:
        inspect.signature(cls).bind(**arguments)
    except TypeError:
        return False
    return True

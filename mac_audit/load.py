"""Targets: what a user names → nn.Module and example inputs.

==========================  ===============================================================================
``model.py``                the file's ``model``; else its ``build_model`` or ``get_model``; else its only
                            ``nn.Module`` subclass that constructs without arguments
``model.py:Name``           that object, class or function of the file
``package.module:name``     the same of an importable module
``zoo:name``                a network of ``mac_audit.zoo``
``torchvision:name``        a network of torchvision, without weights
``timm:name``               a network of timm, without weights
==========================  ===============================================================================

Parameters take no memory: each moves to the meta device when its module registers it, and is never initialised.
Everything else in a constructor is real, so that one that computes with tensors works. Where a constructor needs
the values of parameters it runs again with real ones, uninitialised, and ``Loaded.construction`` says so.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from mac_audit.errors import MacAuditError
from mac_audit.inputs import Inputs, find_inputs, given_inputs, torchvision_size
from mac_audit.source import boundary, constructions_recorded, raising_line

ON_META = "parameters on the meta device"
REAL = "real parameters, not initialised"
_FACTORIES = ("build_model", "get_model")
_LIBRARIES = ("zoo", "torchvision", "timm")


@dataclass(frozen=True)
class Loaded:
    """A model to audit, the inputs to run it on, and how it was built."""

    target: str
    model: nn.Module
    inputs: Inputs
    construction: str


def load(target: str, arguments: Mapping[str, Any] | None = None, inputs: Sequence[str] = ()) -> Loaded:
    """The model that ``target`` names, built with ``arguments``, and its inputs.

    ``inputs`` are specifications as ``parse_input`` reads them; without any, inputs are found as ``find_inputs``
    says. Raises ``MacAuditError`` where no model is found, or several, or the user's code raises.
    """
    given = given_inputs(inputs)
    scheme, _, name = target.partition(":")
    if scheme in _LIBRARIES and name:
        model, construction = _build_first(_library_factory(scheme, name), arguments or {}, target)
        namespace: Any = None
    else:
        model, construction, namespace = _load_own(target, arguments or {})
    published = torchvision_size(name) if scheme == "torchvision" else None
    return Loaded(target, model, given or find_inputs(model, namespace, published, target), construction)


# --- building ------------------------------------------------------------------------------------------------------


def _build_first(factory: Callable[..., Any], arguments: Mapping[str, Any], target: str) -> tuple[nn.Module, str]:
    return _on_meta_or_real(lambda: _call(factory, arguments, target), target)


def _load_own(target: str, arguments: Mapping[str, Any]) -> tuple[nn.Module, str, Any]:
    """A model of the user's own: from a file, or from an importable module."""
    place, name = _split(target)

    def load_and_build() -> tuple[nn.Module, Any]:
        namespace = _import_file(Path(place)) if place.endswith(".py") else _import_module(place)
        found = _named(namespace, name, target) if name else _conventional(namespace, arguments, target)
        return _call(found, arguments, target), namespace

    (model, namespace), construction = _on_meta_or_real(load_and_build, target)
    return model, construction, namespace


def _split(target: str) -> tuple[str, str]:
    place, colon, name = target.rpartition(":")
    if target.endswith(".py"):
        return target, ""
    if not colon or not name.isidentifier():
        hint = f" Did you mean {target}.py?" if Path(f"{target}.py").is_file() else ""
        raise MacAuditError(
            f"{target!r} is no target; give model.py, model.py:Name, package.module:factory, zoo:NAME,"
            f" torchvision:NAME or timm:NAME.{hint}"
        )
    return place, name


def _on_meta_or_real(build: Callable[[], Any], target: str) -> tuple[Any, str]:
    """What ``build`` returns with parameters on the meta device, or where that raises, with real ones."""
    try:
        with constructions_recorded(), _command_line_of(target):
            try:
                with _parameters_on_meta():
                    return build(), ON_META
            except MacAuditError:
                raise
            except Exception:  # a constructor that needs values, or a mistake that the second attempt tells of
                with _Uninitialised():
                    return build(), REAL
    except MacAuditError:
        raise
    except (Exception, SystemExit) as error:
        raise MacAuditError(_explanation(error, target)) from error


def _explanation(error: BaseException, target: str) -> str:
    source = raising_line(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename:
        return f"{target} has a syntax error at {error.filename}:{error.lineno}: {error.msg}."
    where = f" at {source}" if source else ""
    text = " ".join(str(error).split()).rstrip(".") or "no message"
    if isinstance(error, SystemExit):
        return f"Loading {target} ended the program{where}; move what runs behind `if __name__ == '__main__':`."
    if isinstance(error, ModuleNotFoundError):
        hint = "install it in this environment"
    elif isinstance(error, ImportError) and "relative import" in text:
        hint = "name it as part of its package, as in package.module:Name"
    else:
        hint = "mend that line, or give other arguments with --arg key=value"
    return f"Building {target} raised {type(error).__name__}{where}: {text}; {hint}."


@contextmanager
def _command_line_of(target: str) -> Iterator[None]:
    """Let code that parses ``sys.argv`` see a command without arguments, and not ours."""
    ours = sys.argv
    sys.argv = [target]
    try:
        yield
    finally:
        sys.argv = ours


@contextmanager
def _parameters_on_meta() -> Iterator[None]:
    """Move each parameter to the meta device as it is registered, shared ones to a shared one."""
    original = nn.Module.register_parameter
    moved = WeakIdKeyDictionary()

    def register(module: nn.Module, name: str, param: nn.Parameter | None) -> None:
        if type(param) is nn.Parameter and param.device.type != "meta":
            if param not in moved:
                moved[param] = nn.Parameter(param.detach().to("meta"), param.requires_grad)
                vars(moved[param]).update(vars(param))
            param = moved[param]
        original(module, name, param)

    nn.Module.register_parameter = register  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        nn.Module.register_parameter = original  # type: ignore[method-assign]


class _Uninitialised(TorchFunctionMode):
    """Skips what fills tensors with random numbers."""

    skipped = frozenset({torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.erfinv_, torch.Tensor.exponential_})

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return args[0] if func in self.skipped else func(*args, **(kwargs or {}))


@boundary
def _call(found: Any, arguments: Mapping[str, Any], target: str) -> nn.Module:
    if isinstance(found, nn.Module):
        if arguments:
            raise MacAuditError(f"{target} is a model already, so --arg has nothing to act on; name its class instead.")
        return found
    try:
        inspect.signature(found).bind(**arguments)
    except TypeError as error:
        raise MacAuditError(f"{target} cannot be called: {error}; give arguments with --arg key=value.") from None
    except ValueError:
        pass  # no signature to look at
    model = found(**arguments)
    if not isinstance(model, nn.Module):
        raise MacAuditError(f"{target} gives a {type(model).__name__}, not a torch.nn.Module; name what builds one.")
    return model


# --- finding -------------------------------------------------------------------------------------------------------


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


def _library_factory(scheme: str, name: str) -> Callable[..., Any]:
    if scheme == "zoo":
        from mac_audit import zoo

        factory: Callable[..., Any] = _choose(zoo.models(), name, "mac_audit.zoo")
        return factory
    try:
        library = importlib.import_module(scheme)
    except ModuleNotFoundError:
        raise MacAuditError(f"{scheme} is not installed; install it in this environment to audit its models.") from None
    except Exception as error:
        raise MacAuditError(
            f"The installed {scheme} does not work with torch {torch.__version__}: {error};"
            " install the versions that belong together."
        ) from error
    if scheme == "timm":
        _choose(dict.fromkeys(library.list_models()), name.split(".", maxsplit=1)[0], scheme)
        return lambda **arguments: library.create_model(name, pretrained=False, **arguments)
    builders = {known: known for known in library.models.list_models()}
    builder = library.models.get_model_builder(_choose(builders, name, scheme))
    return lambda **arguments: builder(weights=None, **_without_backbone(builder, arguments))


def _without_backbone(builder: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Detection and segmentation models of torchvision download a backbone's weights unless told not to."""
    if "weights_backbone" in inspect.signature(builder).parameters:
        return {"weights_backbone": None, **arguments}
    return arguments


def _choose(table: Mapping[str, Any], name: str, place: str) -> Any:
    if name not in table:
        close = difflib.get_close_matches(name, table, n=3)
        hint = f"; did you mean {', '.join(close)}?" if close else "."
        raise MacAuditError(f"There is no model {name!r} in {place}{hint}")
    return table[name]

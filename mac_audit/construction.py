"""Building a model without memory: its parameters live on the meta device.

Each parameter moves to the meta device when its module registers it, and is never initialised. Everything else in a
constructor is real, so that one that computes with tensors works. Where a constructor needs the values of parameters
it runs again with real ones, filled with one number, and the report says so.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from mac_audit import _torch as private
from mac_audit.errors import MacAuditError
from mac_audit.source import constructions_recorded, raised_at

ON_META = "parameters on the meta device"
REAL = "real parameters, filled with one number"
T = TypeVar("T")


def construct(build: Callable[[], T], target: str) -> tuple[T, str]:
    """What ``build`` returns with parameters on the meta device, or where that raises, with real ones."""
    try:
        with constructions_recorded(), _command_line_of(target):
            try:
                with _parameters_on_meta():
                    return build(), ON_META
            except MacAuditError:
                raise
            except Exception as error:
                if not _may_need_values(error):
                    raise
                with _Filled():
                    return build(), REAL
    except MacAuditError:
        raise
    except (Exception, SystemExit) as error:
        raise MacAuditError(_explanation(error, target)) from error


def _may_need_values(error: Exception) -> bool:
    """Whether the meta device may have caused ``error``; a mistake is told by the second attempt otherwise."""
    return isinstance(error, RuntimeError) or "meta" in str(error)


def _explanation(error: BaseException, target: str) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{target} has a syntax error at {error.filename}:{error.lineno}: {error.msg}."
    where = raised_at(error.__traceback__)
    text = " ".join(str(error).split()).rstrip(".") or "no message"
    if isinstance(error, SystemExit):
        return f"Loading {target} ended the program{where}; move what runs behind `if __name__ == '__main__':`."
    if isinstance(error, ModuleNotFoundError):
        hint = "install it in this environment"
    elif isinstance(error, ImportError) and "relative import" in text:
        hint = "name it as part of its package, as in package.module:Name"
    elif private.wants_accelerator(error):
        hint = "an audit needs no accelerator, so build it on the CPU, as with --arg device=cpu where it takes a device"
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
        with _HugeOnMeta():
            yield
    finally:
        nn.Module.register_parameter = original  # type: ignore[method-assign]


class _HugeOnMeta(TorchFunctionMode):
    """Puts tensors on the meta device that are too large to be anything but parameters, before they are registered."""

    factories = frozenset({torch.empty, torch.zeros, torch.ones, torch.randn, torch.rand})
    huge = 2**28  # elements: memory for a gigabyte of them may not even be there to set aside

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in self.factories and kwargs.get("device") is None:
            shape = kwargs.get("size", args[0] if args and isinstance(args[0], tuple | list) else args)
            if math.prod(size for size in shape if isinstance(size, int)) >= self.huge:
                kwargs = {**kwargs, "device": "meta"}
        return func(*args, **kwargs)


class _Filled(TorchFunctionMode):
    """Fills with a small number what would be filled with random ones, which takes longer.

    It is not left as it was found in memory: who needs the values of parameters (to quantise them, say) would get
    others each time.
    """

    replaced = frozenset(
        {torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.erfinv_, torch.Tensor.exponential_}
        | {getattr(nn.init, f"{name}_") for name in ("normal", "uniform", "trunc_normal", "orthogonal", "sparse")}
        | {getattr(nn.init, f"{who}_{how}_") for who in ("kaiming", "xavier") for how in ("normal", "uniform")}
    )

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func not in self.replaced:
            return func(*args, **kwargs)
        tensor = args[0] if args else kwargs["tensor"]
        tensor.data.fill_(0.01)
        return tensor

"""nn.Module and inputs → fx.GraphModule of ATen operators.

The model's ``forward`` runs once, in eval mode and without gradients. Three ways are tried in turn, the next only
where the one before fails, and ``meta["method"]`` says which it was:

==========  ========================================================================================================
``fake``    fake tensors: shapes and no data, so that neither weights nor activations take memory
``values``  fake tensors, and beside them the values that follow from literals, buffers and integer inputs, as long
            as they are few: for a ``forward`` that asks for lengths, masks or tables
``real``    real tensors: for a ``forward`` that looks at activations, or calls what knows no shapes
==========  ========================================================================================================

``mac_audit.recorder`` writes the graph and says what is in ``node.meta``. The graph runs:
``torch.fx.Interpreter(capture(model, x)).run(x)`` is ``model(x)``, for inputs that take the same branches. Its
placeholders are the tensors among the inputs in order, its result has the structure of the model's (mappings and
dataclasses as dicts).

``nn.MultiheadAttention`` and ``nn.TransformerEncoderLayer`` are captured layer by layer: their fused fast path,
one opaque operator an encoder layer, is switched off meanwhile.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, fx, nn

from mac_audit import _torch as private
from mac_audit.errors import MacAuditError
from mac_audit.inputs import Inputs
from mac_audit.nested import map_tensors, plain_containers
from mac_audit.recorder import Recorder, calls_seen_by
from mac_audit.source import boundary, raised_at
from mac_audit.steps import Step
from mac_audit.steps.fake import FakeTensors
from mac_audit.steps.known import KnownValues
from mac_audit.steps.real import RealTensors
from mac_audit.units import size

Way = Literal["auto", "fake", "values", "real"]

_CONTAINERS = (list, dict, set, OrderedDict)  # a subclass may not let itself be written to, as a frozen configuration

_STEPS: dict[str, tuple[str, Callable[[], Step]]] = {
    "fake": ("fake tensors", FakeTensors),
    "values": ("fake tensors, small values computed", KnownValues),
    "real": ("real tensors", RealTensors),
}


@dataclasses.dataclass(frozen=True)
class Recording:
    """What one run of a model left: its operators, and the tensors and objects that ``get_attr`` nodes name.

    ``meta`` holds ``layers``, a tuple of ``network.Layer``, and ``how``: sentences about the capture by name, which
    are ``method`` and, where there is something to say, ``fallback`` (why no earlier way did), ``assumed`` and
    ``outside`` (what was computed outside of torch, so that figures are lower bounds).
    """

    name: str
    graph: fx.Graph
    attributes: Mapping[str, Tensor | torch.ScriptObject | torch.Generator]
    meta: Mapping[str, Any]


def capture(model: nn.Module, inputs: Any, way: Way = "auto") -> fx.GraphModule:
    """The operators that ``model`` runs on ``inputs``, as a graph that can be run.

    ``inputs`` is a tensor, a tuple or list of positional arguments, or a dict of keyword arguments; its tensors
    may hold data, or none (``device="meta"``). ``way`` forces one way of those above. The model is unchanged
    afterwards. The result's ``meta`` is that of ``Recording``. Raises ``MacAuditError`` where ``forward`` raises
    whichever way it is run.
    """
    recording = record(model, inputs, way)
    module = fx.GraphModule(dict(recording.attributes), recording.graph, recording.name)
    module.meta.update(recording.meta)
    return module


def record(model: nn.Module, inputs: Any, way: Way = "auto") -> Recording:
    """``capture`` without the Python code of a ``GraphModule``, for those who do not mean to run it."""
    if way not in ("auto", *_STEPS):
        raise MacAuditError(f"There is no way {way!r} to capture a model; choose one of auto, {', '.join(_STEPS)}.")
    if not isinstance(model, nn.Module):
        raise MacAuditError(
            f"What is to be audited is a {type(model).__name__}, not a torch.nn.Module; give the model, built, or"
            " name its file to the command line, `mac-audit net.py`."
        )
    failed: dict[str, MacAuditError] = {}
    for name in _STEPS if way == "auto" else (way,):
        method, step = _STEPS[name]
        if name == "real" and (weights := _bytes(model)) > _memory() / 2:
            reason = f"its weights take {size(weights)}, more than half of this machine's memory"
            failed[method] = MacAuditError(f"{_first(failed, model)} It cannot run on real tensors instead: {reason}.")
            break
        try:
            with _deeper(model):
                recording = _record(model, Inputs.of(inputs), step())
        except _ForwardError as error:
            failed[method] = error
            if isinstance(error.__cause__, SystemExit):
                break
            continue
        how = {"method": method, **recording.meta["how"]}
        if failed:
            *_, last = failed.values()
            how["fallback"] = f"not on {' nor on '.join(failed)}: {last}"
        return dataclasses.replace(recording, meta={**recording.meta, "how": how})
    raise list(failed.values())[-1]


class _ForwardError(MacAuditError):
    """The model's own ``forward`` did not run to its end."""


def _first(failed: Mapping[str, MacAuditError], model: nn.Module) -> str:
    return next(map(str, failed.values()), f"The forward of {type(model).__name__} was to run for real.")


def _bytes(model: nn.Module) -> int:
    members = {
        id(t): t
        for m in model.modules()
        for table in (private.parameters_of(m), private.buffers_of(m))
        for t in table.values()
    }
    return sum(t.numel() * t.element_size() for t in members.values() if t is not None)


def _memory() -> float:
    """Bytes that this machine has, as far as it says so."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return float("inf")


def _record(model: nn.Module, inputs: Inputs, step: Step) -> Recording:
    recorder = Recorder(model, step)
    with _restored(model), _evaluating(model):
        recorder.swap_members_in()
        result = _run(recorder, model, inputs)
    if recorder.unseen is not None:
        raise MacAuditError(
            f"The forward of {type(model).__name__} runs the layer {recorder.unseen} on another thread, where its"
            " operators cannot be seen; call it on the thread that calls the model."
        )
    recorder.graph.output(recorder.to_nodes(plain_containers(result)))
    how = {"assumed": step.assumed} if step.assumed else {}
    if recorder.left is not None:
        place = f" at {recorder.left}" if recorder.left else ""
        how["outside"] = (
            f"values leave torch through Tensor.numpy{place}; what is computed of them there is not counted"
        )
    meta = {"layers": recorder.layers(), "how": how}
    return Recording(type(model).__name__, recorder.graph, recorder.attributes, meta)


@boundary
def _run(recorder: Recorder, model: nn.Module, inputs: Inputs) -> Any:
    names = iter(inputs.names(model))
    args, kwargs = map_tensors(
        lambda tensor: recorder.placeholder(tensor, next(names)), (inputs.args, dict(inputs.kwargs))
    )
    try:
        with torch.no_grad(), calls_seen_by(recorder), recorder.step.around(), recorder.watching_numpy(), recorder:
            return model(*args, **kwargs)
    except (MacAuditError, RecursionError):
        raise
    except (Exception, SystemExit) as error:
        raise _ForwardError(_explanation(error, type(model).__name__, recorder.failed)) from error


@contextmanager
def _deeper(model: nn.Module) -> Iterator[None]:
    """Let modules nest as deep as they may without us, whose frames stand between those of torch.

    What takes twice as many calls, torch itself cannot run.
    """
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(2 * limit)
    try:
        yield
    except RecursionError as error:
        raise MacAuditError(
            f"{type(model).__name__} calls deeper{raised_at(error.__traceback__)} than Python's limit of {limit} calls"
            " within each other, and torch cannot run it either; put modules in sequence instead of into each other, or"
            " raise the limit where the model is built, with sys.setrecursionlimit."
        ) from None
    finally:
        sys.setrecursionlimit(limit)


def _explanation(error: BaseException, model: str, layer: str | None) -> str:
    """One sentence for whatever ``forward`` raised; ``layer`` is the innermost module that was running."""
    where = raised_at(error.__traceback__) or (f" in the layer {layer}" if layer else "")
    text = " ".join(str(error).split()) or "no message"
    text = (text if len(text) <= 300 else text[:297] + "...").rstrip(".")
    if isinstance(error, private.DataDependentOutputException | private.DynamicOutputShapeException):
        return (
            f"The forward of {model} looks at tensor values ({error.func}){where}, which cannot be known without"
            " data; compute what it needs from shapes or from constructor arguments."
        )
    if isinstance(error, private.UnsupportedOperatorException):
        return (
            f"The forward of {model} calls {error.func}{where}, which does not say what shape it returns; register"
            " that with torch.library.register_fake."
        )
    if isinstance(error, SystemExit):
        return f"The forward of {model} ended the program{where}; take the call of exit out."
    hint = "check the inputs given"
    if private.wants_accelerator(error):
        hint = "an audit needs no accelerator, so take the device from an input, as in x.device"
    return f"The forward of {model} raised {type(error).__name__}{where}: {text}; {hint}."


@contextmanager
def _restored(model: nn.Module) -> Iterator[None]:
    """Leave every attribute of every module as it was, and what its lists, dicts and sets hold."""
    tables = [vars(module) for module in model.modules()]
    inner = [value for table in tables for value in table.values() if type(value) in _CONTAINERS]
    before = [(container, _contents(container)) for container in (*tables, *inner)]
    try:
        yield
    finally:
        for container, contents in before:
            if container or contents:
                container.clear()
                container.extend(contents) if isinstance(container, list) else container.update(contents)


def _contents(container: Any) -> Any:
    kind = dict if isinstance(container, dict) else list
    return kind(container) if container else ()


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Eval mode (which ``_restored`` takes back), no fused attention modules, no tracebacks in torch's log.

    What the model itself would compile runs uncompiled, operator by operator. The default dtype and the state of the
    random numbers are as before afterwards.
    """
    fast, dtype = torch.backends.mha.get_fastpath_enabled(), torch.get_default_dtype()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        model.eval()
    except NotImplementedError:
        pass  # an exported program has one mode and no eval()
    except RecursionError:  # a module that holds one around it, of which eval() finds no end
        for module in model.modules():
            module.training = False
    try:
        with private.log_silenced(), torch.compiler.set_stance("force_eager"), torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        torch.set_default_dtype(dtype)

"""nn.Module and inputs → fx.GraphModule of ATen operators.

The model's ``forward`` runs once, in eval mode and without gradients, on fake tensors: they have shapes and no
data, so that neither weights nor activations take memory. A dispatch mode writes each ATen operator that reaches
it into an ``fx.Graph``, with these keys in ``node.meta``:

==============  =====================================================================================
``val``         the fake result
``spec``        shape, dtype, strides and storage of each tensor in ``val``, as they were at the call
``layer``       path of the innermost module
``source``      the line of the user's code, see ``mac_audit.source``
``own``         whether that line stands in the innermost module's own code
==============  =====================================================================================

The graph runs: ``torch.fx.Interpreter(capture(model, x)).run(x)`` is ``model(x)``. Its placeholders are the tensors
among the inputs in order, its result has the structure of the model's (mappings and dataclasses as dicts).

``nn.MultiheadAttention`` and ``nn.TransformerEncoderLayer`` are captured layer by layer: their fused fast path,
one opaque operator an encoder layer, is switched off meanwhile.
"""

from __future__ import annotations

import copy
import dataclasses
import keyword
import logging
import operator
import re
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn

from mac_audit import _torch as private
from mac_audit.errors import MacAuditError
from mac_audit.inputs import Inputs
from mac_audit.nested import map_tensors, plain_containers, tensors_in
from mac_audit.network import Layer, Parameter, Shape
from mac_audit.source import boundary, callers, construction_lines, raising_line

_CONTAINERS = (list, dict, set, OrderedDict)  # a subclass may not let itself be written to, as a frozen configuration


class Spec(NamedTuple):
    """What is known of a tensor at a moment: in-place reshaping may change it later."""

    shape: Shape
    stride: tuple[int, ...]
    dtype: torch.dtype
    storage: int


@dataclasses.dataclass(frozen=True)
class Recording:
    """What one run of a model left: its operators, and the tensors that ``get_attr`` nodes name.

    ``meta`` holds ``layers``, a tuple of ``network.Layer``, and ``method``, how the capture was done.
    """

    name: str
    graph: fx.Graph
    attributes: Mapping[str, Tensor]
    meta: Mapping[str, Any]


def capture(model: nn.Module, inputs: Any) -> fx.GraphModule:
    """The operators that ``model`` runs on ``inputs``, as a graph that can be run.

    ``inputs`` is a tensor, a tuple or list of positional arguments, or a dict of keyword arguments; its tensors
    may hold data, or none (``device="meta"``). The model is unchanged afterwards. The result's ``meta`` is that of
    ``Recording``. Raises ``MacAuditError`` where ``forward`` raises or needs tensor values.
    """
    recording = record(model, inputs)
    module = fx.GraphModule(dict(recording.attributes), recording.graph, recording.name)
    module.meta.update(recording.meta)
    return module


def record(model: nn.Module, inputs: Any) -> Recording:
    """``capture`` without the Python code of a ``GraphModule``, for those who do not mean to run it."""
    inputs = Inputs.of(inputs)
    recorder = _Recorder(model)
    with _restored(model), _evaluating(model):
        recorder.swap_in_fakes()
        result = _run(recorder, model, inputs)
    recorder.graph.output(recorder.to_nodes(plain_containers(result)))
    meta = {"layers": recorder.layers(), "method": "fake tensors"}
    return Recording(type(model).__name__, recorder.graph, recorder.attributes, meta)


@boundary
def _run(recorder: _Recorder, model: nn.Module, inputs: Inputs) -> Any:
    names = iter(inputs.names(model))
    args, kwargs = map_tensors(
        lambda tensor: recorder.placeholder(tensor, next(names)), (inputs.args, dict(inputs.kwargs))
    )
    try:
        with torch.no_grad(), recorder.mode, _module_calls_seen_by(recorder), recorder:
            return model(*args, **kwargs)
    except (Exception, SystemExit) as error:
        raise MacAuditError(_explanation(error, type(model).__name__, recorder.failed)) from error


def _explanation(error: BaseException, model: str, layer: str | None) -> str:
    """One sentence for whatever ``forward`` raised; ``layer`` is the innermost module that was running."""
    source = raising_line(error.__traceback__)
    where = f" at {source}" if source else f" in the layer {layer}" if layer else ""
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
    return f"The forward of {model} raised {type(error).__name__}{where}: {text}; check the inputs given."


class _Recorder(private.TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes every operator that runs below it into ``graph``."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.model = model
        self.mode = private.FakeTensorMode(allow_non_fake_inputs=True)
        self.graph = fx.Graph()
        self.attributes: dict[str, Tensor] = {}  # what get_attr nodes refer to
        self.stack: list[tuple[str, nn.Module]] = [("", model)]
        self.failed: str | None = None  # the innermost layer that raised
        self._nodes: dict[int, fx.Node | tuple[fx.Node, int]] = {}  # by id(tensor)
        self._twins: dict[int, Tensor] = {}  # fake tensor by id of the real one, which self.attributes keeps alive
        self._names: dict[int, str] = {}  # parameters and buffers by id of the fake one
        self._layers = {path: Layer(path, type(module).__name__) for path, module in model.named_modules()}
        self._paths = {id(module): path for path, module in model.named_modules()}

    def swap_in_fakes(self) -> None:
        """Put fake tensors in the place of the model's parameters and buffers."""
        named: dict[int, str] = {}
        for path, module in self.model.named_modules():
            own: dict[str, Parameter] = {}
            for table in (module._parameters, module._buffers):
                for key, tensor in table.items():
                    if tensor is None:
                        continue
                    if nn.parameter.is_lazy(tensor):
                        raise MacAuditError(
                            f"The layer {path or 'of the model'} ({type(module).__name__}) learns its shape from the"
                            " first input; run the model once before the audit, or give the layer its shape."
                        )
                    name = named.setdefault(id(tensor), f"{path}.{key}".lstrip("."))
                    if isinstance(tensor, nn.Parameter):
                        own[name] = Parameter(name, tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
                    table[key] = self._fake_member(tensor, name)
            self._layers[path] = dataclasses.replace(
                self._layers[path], sources=construction_lines(module), parameters=tuple(own.values())
            )

    def _fake_member(self, tensor: Tensor, name: str) -> Tensor:
        if id(tensor) not in self._twins:
            fake = private.fake_twin(self.mode, tensor)
            if isinstance(tensor, nn.Parameter):
                fake = nn.Parameter(fake, tensor.requires_grad)  # ATen asks for it when it folds products
            self._twins[id(tensor)] = fake
            self._names[id(fake)] = name
            self.attributes[name] = tensor
        return self._twins[id(tensor)]

    def placeholder(self, tensor: Tensor, name: str) -> Tensor:
        """The fake tensor for an input, with a placeholder node."""
        fake = private.fake_twin(self.mode, tensor)
        node = self.graph.placeholder(re.sub(r"\W", "_", name) + "_" * keyword.iskeyword(name))
        node.meta["name"] = name
        self._annotate(node, fake)
        return fake

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operator on fake tensors and write it down."""
        kwargs = kwargs or {}
        if func.namespace == "prim":  # asks a fake tensor for its device; computes nothing
            return func(*args, **kwargs)
        lifted = private.is_lift(func)
        node_args = self.to_nodes(args)
        node_kwargs = self.to_nodes(kwargs)
        if not lifted:
            args, kwargs = self._to_fakes(args), self._to_fakes(kwargs)
        result = func(*args, **kwargs)
        # A lifted literal is copied, so that writing to the result does not change the literal for the next run.
        target = torch.ops.aten.lift_fresh_copy.default if lifted else func
        node = self.graph.create_node("call_function", target, node_args, node_kwargs)
        self._annotate(node, result)
        node.meta["layer"], module = self.stack[-1]
        lines = callers(sys._getframe(1))
        node.meta["source"] = lines[0].source if lines else None
        node.meta["own"] = bool(lines) and lines[0].module is module
        return result

    def to_nodes(self, value: Any) -> Any:
        """``value`` with each tensor replaced by the node that made it."""
        if isinstance(value, Tensor):
            return self._node(value)
        if isinstance(value, tuple | list):
            return type(value)(map(self.to_nodes, value)) if type(value) in (tuple, list) else value
        if isinstance(value, dict):
            return {key: self.to_nodes(item) for key, item in value.items()}
        return value

    def _to_fakes(self, value: Any) -> Any:
        if isinstance(value, private.FakeTensor):
            return value
        if isinstance(value, Tensor):
            return self._twin(value)
        if type(value) in (tuple, list):
            return type(value)(map(self._to_fakes, value))
        if isinstance(value, dict):
            return {key: self._to_fakes(item) for key, item in value.items()}
        return value

    def _twin(self, tensor: Tensor) -> Tensor:
        """The fake tensor for one that is neither input, parameter nor buffer: a literal or a plain attribute."""
        if id(tensor) not in self._twins:
            self._twins[id(tensor)] = private.fake_twin(self.mode, tensor)
        return self._twins[id(tensor)]

    def _node(self, tensor: Tensor) -> fx.Node:
        known = self._nodes.get(id(tensor))
        if isinstance(known, fx.Node):
            return known
        if known is None:
            name = self._names.get(id(tensor))
            if name is None:
                name = f"_constant_{len(self.attributes)}"
                self.attributes[name] = tensor
            node = self.graph.create_node("get_attr", name)
            fake = tensor if isinstance(tensor, private.FakeTensor) else self._twin(tensor)
            self._annotate(node, fake)
            self._nodes[id(tensor)] = node
            return node
        parent, index = known
        node = self.graph.create_node("call_function", operator.getitem, (parent, index))
        self._annotate(node, tensor)
        return node

    def _annotate(self, node: fx.Node, result: Any) -> None:
        node.meta["val"] = result
        node.meta["spec"] = _spec(result)
        if isinstance(result, Tensor):
            self._nodes[id(result)] = node
        elif isinstance(result, tuple | list):
            for index, item in enumerate(result):
                if isinstance(item, Tensor):
                    self._nodes[id(item)] = (node, index)

    def enter(self, module: nn.Module, arguments: Any) -> str:
        """Note that ``module`` was called; its path."""
        path = self._paths.get(id(module))
        if path is None:  # made in forward, or kept where named_modules does not look
            path = f"{self.stack[-1][0]}.<{type(module).__name__}>".lstrip(".")
        layer = self._layers.get(path) or Layer(path, type(module).__name__, construction_lines(module))
        shapes = layer.input_shapes if layer.calls else _shapes(arguments)
        self._layers[path] = dataclasses.replace(layer, calls=layer.calls + 1, input_shapes=shapes)
        self.stack.append((path, module))
        return path

    def leave(self, path: str, result: Any) -> None:
        """Note what the call that ``enter`` named returned."""
        layer = self._layers[path]
        if not layer.output_shapes:
            self._layers[path] = dataclasses.replace(layer, output_shapes=_shapes(result))

    def layers(self) -> tuple[Layer, ...]:
        """Every module of the model, and those that only its calls showed."""
        return tuple(self._layers.values())


def _spec(result: Any) -> Any:
    if isinstance(result, Tensor):
        return Spec(tuple(result.shape), _stride(result), result.dtype, private.storage_key(result))
    if isinstance(result, tuple | list):
        return tuple(_spec(item) for item in result)
    return None


def _stride(tensor: Tensor) -> tuple[int, ...]:
    return tensor.stride() if tensor.layout == torch.strided else ()


def _shapes(value: Any) -> tuple[Shape, ...]:
    return tuple(tuple(tensor.shape) for tensor in tensors_in(value))


@contextmanager
def _module_calls_seen_by(recorder: _Recorder) -> Iterator[None]:
    """Tell ``recorder`` of each module call (as ``torch.fx.Tracer`` does, by wrapping ``Module.__call__``)."""

    def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        path = recorder.enter(module, (args, kwargs))
        try:
            result = private.module_call(module, *args, **kwargs)
        except BaseException:
            recorder.failed = recorder.failed or path
            raise
        finally:
            recorder.stack.pop()
        recorder.leave(path, result)
        return result

    nn.Module.__call__ = call  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.__call__ = private.module_call  # type: ignore[method-assign]


@contextmanager
def _restored(model: nn.Module) -> Iterator[None]:
    """Leave every attribute of every module as it was, and what its lists, dicts and sets hold."""
    tables = [vars(module) for module in model.modules()]
    inner = [value for table in tables for value in table.values() if type(value) in _CONTAINERS]
    before = [(container, copy.copy(container)) for container in (*tables, *inner)]
    try:
        yield
    finally:
        for container, contents in before:
            container.clear()
            container.extend(contents) if isinstance(container, list) else container.update(contents)


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Eval mode (which ``_restored`` takes back), no fused attention modules, no tracebacks in torch's log."""
    fast, level = torch.backends.mha.get_fastpath_enabled(), private.log.level
    torch.backends.mha.set_fastpath_enabled(False)
    private.log.setLevel(logging.CRITICAL)  # what is wrong is raised as well, and told in a sentence
    model.eval()
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        private.log.setLevel(level)

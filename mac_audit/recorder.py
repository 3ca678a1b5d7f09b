"""What a model did, written down while it runs: an ``fx.Graph`` of ATen operators, and its modules' calls.

Each node has these keys in ``meta``:

==============  =====================================================================================
``val``         the result; where the model ran on real tensors, one like it without data
``spec``        shape, dtype, strides and storage of each tensor in it, as they were at the call
``layer``       path of the innermost module
``source``      the line of the user's code, see ``mac_audit.source``
``own``         whether that line stands in the innermost module's own code
==============  =====================================================================================
"""

from __future__ import annotations

import dataclasses
import keyword
import operator
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn

from mac_audit import _torch as private
from mac_audit.errors import MacAuditError
from mac_audit.nested import tensors_in
from mac_audit.network import Layer, Parameter, Shape, Source
from mac_audit.source import caller, construction_lines
from mac_audit.steps import Step


class Spec(NamedTuple):
    """What is known of a tensor at a moment: in-place reshaping may change it later."""

    shape: Shape
    stride: tuple[int, ...]
    dtype: torch.dtype
    storage: int


class _Made(NamedTuple):
    """The node that made a tensor, or one of several results; ``tensor()`` tells it from another one of the same id."""

    tensor: Callable[[], Tensor | None]
    spec: Spec
    node: fx.Node
    result: int | None


@dataclasses.dataclass(slots=True)
class _Called:
    """A layer while calls of it are counted."""

    path: str
    type: str
    sources: tuple[Source, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    calls: int = 0
    input_shapes: tuple[Shape, ...] = ()
    output_shapes: tuple[Shape, ...] = ()


class Recorder(private.OperatorMode):
    """A dispatch mode that runs every operator by ``step`` and writes it into ``graph``."""

    def __init__(self, model: nn.Module, step: Step) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.model = model
        self.step = step
        self.graph = fx.Graph()
        self.attributes: dict[str, Tensor | torch.ScriptObject | torch.Generator] = {}  # what get_attr nodes refer to
        self.stack: list[tuple[str, nn.Module]] = [("", model)]
        self.failed: str | None = None  # the innermost layer that raised
        self.thread = threading.get_ident()
        self.unseen: str | None = None  # a layer that ran on another thread, where modes do not see operators
        self.left: str | None = None  # the line at which values first left torch, empty where that is not known
        self._nodes: dict[int, _Made] = {}  # by id(tensor)
        self._latest: dict[Spec, _Made] = {}
        self._memory: dict[int, object] = {}  # a number is not used again while it is referred to
        self._names: dict[int, str] = {}  # parameters and buffers by id of what stands for them
        self._layers: dict[str, _Called] = {}
        self._paths: dict[int, str] = {}

    def swap_members_in(self) -> None:
        """Put what the step has for them in the place of the model's parameters and buffers."""
        named: dict[int, str] = {}
        for path, module in self.model.named_modules():
            own: dict[str, Parameter] = {}
            for table, learned in ((private.parameters_of(module), True), (private.buffers_of(module), False)):
                for key, tensor in table.items():
                    if tensor is None:
                        continue
                    if nn.parameter.is_lazy(tensor):
                        raise MacAuditError(
                            f"The layer {path or 'of the model'} ({type(module).__name__}) learns its shape from the"
                            " first input; run the model once before the audit, or give the layer its shape."
                        )
                    name = named.setdefault(id(tensor), f"{path}.{key}" if path else key)
                    if learned:
                        own[name] = Parameter(name, tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
                    member = self.step.member(tensor)
                    self.attributes[name] = tensor
                    self._names[id(member)] = self._names[id(tensor)] = name
                    if isinstance(table, dict):  # TorchScript keeps them where Python cannot change them
                        table[key] = member
            self._layers[path] = _Called(path, type(module).__name__, construction_lines(module), tuple(own.values()))
            self._paths[id(module)] = path
            if self.step.holds_data:  # what is no buffer may be written to as well
                table = vars(module)
                table.update({key: self.step.member(value) for key, value in table.items() if type(value) is Tensor})

    @contextmanager
    def watching_numpy(self) -> Iterator[None]:
        """Note where a tensor that an operator made becomes an array, with which torch does not see what is done."""
        original = Tensor.numpy

        def numpy(tensor: Tensor, **kwargs: Any) -> Any:
            made = self._nodes.get(id(tensor))
            if self.left is None and made is not None and made.tensor() is tensor:
                line = caller(sys._getframe(1))
                self.left = f"{line.source.shown}:{line.source.line}" if line else ""
            return original(tensor, **kwargs)

        Tensor.numpy = numpy  # type: ignore[assignment,method-assign]
        try:
            yield
        finally:
            Tensor.numpy = original  # type: ignore[method-assign]

    def placeholder(self, tensor: Tensor, name: str) -> Tensor:
        """What stands for an input, with a placeholder node."""
        given = self.step.given(tensor)
        node = self.graph.placeholder(re.sub(r"\W", "_", name) + "_" * keyword.iskeyword(name))
        node.meta["name"] = name
        self._annotate(node, given)
        return given

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operator and write it down."""
        kwargs = kwargs or {}
        if func.namespace == "prim":  # asks a tensor for its device; computes nothing
            return private.answer(func, args)
        if (parts := private.taken_apart(func)) is not None:
            with self:
                return parts(*args, **kwargs)
        # A lifted literal is copied, so that writing to the result does not change the literal for the next run.
        target = torch.ops.aten.lift_fresh_copy.default if private.is_lift(func) else func
        node_args, node_kwargs = self.to_nodes(args), self.to_nodes(kwargs)
        result = self.step.run(func, args, kwargs)
        node = self.graph.create_node("call_function", target)
        node.args = node_args  # given at once, they are looked through for symbolic sizes, which takes longer than this
        if node_kwargs:
            node.kwargs = node_kwargs
        self._annotate(node, result)
        node.meta["layer"], module = self.stack[-1]
        line = caller(sys._getframe(1))
        node.meta["source"] = line.source if line else None
        node.meta["own"] = line is not None and line.module is module
        return result

    def to_nodes(self, value: Any) -> Any:
        """``value`` with each tensor replaced by the node that made it."""
        kind = type(value)
        if kind is tuple or kind is list:
            return kind([self.to_nodes(item) for item in value])
        if isinstance(value, Tensor):
            return self._node(value)
        if kind is dict:
            return {key: self.to_nodes(item) for key, item in value.items()} if value else value
        return self._object(value) if isinstance(value, torch.ScriptObject | torch.Generator) else value

    def _object(self, value: torch.ScriptObject | torch.Generator) -> fx.Node:
        """The node of a random generator, or of an object in which a quantised layer keeps its weights.

        Its spec is of the tensors inside.
        """
        name = self._names.setdefault(id(value), f"_object_{len(self.attributes)}")
        self.attributes[name] = value
        node = self.graph.create_node("get_attr", name)
        node.meta["val"] = value
        packed = private.packed_tensors(value) if isinstance(value, torch.ScriptObject) else ()
        node.meta["spec"] = tuple(map(self._spec, packed))
        return node

    def _node(self, tensor: Tensor) -> fx.Node:
        stand_in = self.step.stand_in(tensor)
        made = self._nodes.get(id(stand_in))
        if made is not None and made.tensor() is not stand_in:
            made = None
        elif made is not None and made.spec != (spec := self._spec(stand_in)):  # x.data = y, as by Module.to
            made = self._latest.get(spec)
            self.step.forget(stand_in)
        if made is None:
            name = self._names.get(id(tensor))
            if name is None:
                name = f"_constant_{len(self.attributes)}"
                self.attributes[name] = tensor.detach().clone() if self.step.holds_data else tensor
            node = self.graph.create_node("get_attr", name)
        elif made.result is None:
            return made.node
        else:
            node = self.graph.create_node("call_function", operator.getitem, (made.node, made.result))
        self._annotate(node, stand_in)
        return node

    def _annotate(self, node: fx.Node, result: Any) -> None:
        node.meta["val"] = _shown(result) if self.step.holds_data else result
        node.meta["spec"] = spec = self._spec(result)
        if isinstance(spec, Spec):
            self._note(result, node, spec)
        elif spec is not None:
            for index, (item, known) in enumerate(zip(result, spec, strict=True)):
                if known is not None:
                    self._note(item, node, known, index)

    def _note(self, tensor: Tensor, node: fx.Node, spec: Spec, result: int | None = None) -> None:
        # Where nothing is forgotten no weak reference is needed, and Module.to refuses tensors that have one.
        alive = private.TensorWeakRef(tensor) if self.step.holds_data else lambda: tensor
        self._nodes[id(tensor)] = self._latest[spec] = _Made(alive, spec, node, result)

    def _spec(self, result: Any) -> Any:
        if isinstance(result, Tensor):
            try:
                memory = private.storage_key(result)
            except NotImplementedError:
                raise MacAuditError(
                    f"A tensor of the layout {str(result.layout).removeprefix('torch.')} is not one piece of memory, so"
                    " that what it costs cannot be told; run the model on dense tensors."
                ) from None
            if self.step.holds_data and memory not in self._memory:
                self._memory[memory] = private.storage_reference(result)
            return Spec(tuple(result.shape), _stride(result), result.dtype, memory)
        if isinstance(result, tuple | list):
            return tuple(map(self._spec, result))
        return None

    def enter(self, module: nn.Module, arguments: Any) -> str:
        """Note that ``module`` was called; its path."""
        path = self.path_of(module)
        layer = self._layers.get(path)
        if layer is None:
            layer = self._layers[path] = _Called(path, type(module).__name__, construction_lines(module))
        if not layer.calls:
            layer.input_shapes = _shapes(arguments)
        layer.calls += 1
        self.stack.append((path, module))
        return path

    def path_of(self, module: nn.Module) -> str:
        """Its path in the model, or one under the layer that is running."""
        path = self._paths.get(id(module))
        if path is None:  # made in forward, or kept where named_modules does not look
            path = f"{self.stack[-1][0]}.<{type(module).__name__}>".lstrip(".")
        return path

    def leave(self, path: str, result: Any) -> None:
        """Note what the call that ``enter`` named returned."""
        layer = self._layers[path]
        if not layer.output_shapes:
            layer.output_shapes = _shapes(result)

    def layers(self) -> tuple[Layer, ...]:
        """Every module of the model, and those that only its calls showed."""
        return tuple(
            Layer(**{field.name: getattr(layer, field.name) for field in dataclasses.fields(layer)})
            for layer in self._layers.values()
        )


def _shown(result: Any) -> Any:
    """``result`` without data; None for a tensor that has more to it than shape, strides and dtype."""
    if isinstance(result, tuple | list):
        return type(result)(map(_shown, result))
    if not isinstance(result, Tensor):
        return result
    if result.layout != torch.strided or result.is_quantized:
        return None
    return torch.empty_strided(result.shape, result.stride(), dtype=result.dtype, device="meta")


def _stride(tensor: Tensor) -> tuple[int, ...]:
    return tensor.stride() if tensor.layout == torch.strided else ()


def _shapes(value: Any) -> tuple[Shape, ...]:
    return tuple(tuple(tensor.shape) for tensor in tensors_in(value))


@contextmanager
def calls_seen_by(recorder: Recorder) -> Iterator[None]:
    """Tell ``recorder`` of each module call (as ``torch.fx.Tracer`` does, by wrapping ``Module.__call__``)."""

    def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != recorder.thread:
            recorder.unseen = recorder.unseen or recorder.path_of(module)
            return private.module_call(module, *args, **kwargs)
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

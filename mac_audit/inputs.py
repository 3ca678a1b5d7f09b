"""Example inputs: the arguments of one call of ``forward``, given by a user or found beside a model."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mac_audit.errors import MacAuditError
from mac_audit.nested import tensors_in
from mac_audit.source import raising_line


@dataclasses.dataclass(frozen=True)
class Inputs:
    """The arguments of one call of ``forward``."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, value: Any) -> Inputs:
        """A tensor or a tuple or list as positional arguments, a dict as keyword arguments."""
        if isinstance(value, Inputs):
            return value
        if isinstance(value, Mapping):
            return cls(kwargs=dict(value))
        return cls(args=tuple(value) if isinstance(value, tuple | list) else (value,))

    @property
    def tensors(self) -> list[Tensor]:
        """Every tensor among the arguments, positional ones first."""
        return list(tensors_in((self.args, self.kwargs)))

    def names(self, model: nn.Module) -> list[str]:
        """A name for each tensor, from the signature of the model's ``forward``: ``x``, ``pair.0``."""
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        formal = [p.name for p in inspect.signature(model.forward).parameters.values() if p.kind in kinds]
        given = [(formal[i] if i < len(formal) else f"input_{i}", value) for i, value in enumerate(self.args)]
        names: list[str] = []
        for name, value in (*given, *self.kwargs.items()):
            number = sum(1 for _ in tensors_in(value))
            names += [name] if number == 1 else [f"{name}.{i}" for i in range(number)]
        return names


def find_inputs(model: nn.Module, namespace: Any, published: tuple[int, ...] | None, target: str) -> Inputs:
    """``example_inputs`` beside the model, else the input size that the model or its library publishes."""
    example = getattr(namespace, "example_inputs", None)
    if example is not None:
        try:
            return Inputs.of(example() if inspect.isroutine(example) else example)
        except Exception as error:
            source = raising_line(error.__traceback__)
            where = f" at {source}" if source else ""
            raise MacAuditError(
                f"The example_inputs of {target} raised {type(error).__name__}{where}: {error};"
                " mend them or give --input."
            ) from error
    for configuration in (getattr(model, "default_cfg", None), model):
        size = (
            configuration.get("input_size")
            if isinstance(configuration, Mapping)
            else getattr(configuration, "input_size", None)
        )
        if isinstance(size, tuple | list) and len(size) in (3, 4) and all(isinstance(n, int) for n in size):
            return _image(size)
    if published is not None:
        return _image(published)
    raise MacAuditError(
        f"The inputs of {target} are not known; give them with --input, such as --input 1,3,224,224 or"
        " --input tokens=1,128:int64, or define example_inputs in its file."
    )


def parse_input(text: str) -> tuple[str | None, torch.Tensor]:
    """``[name=]shape[:dtype]`` as name and a tensor without data: ``1,3,224,224`` or ``tokens=1,128:int64``."""
    match = re.fullmatch(r"(?:([A-Za-z_]\w*)=)?(\d+(?:,\d+)*)?(?::(\w+))?", text.replace(" ", ""))
    if match is None or not text.strip():
        raise MacAuditError(
            f"--input {text!r} is not [name=]shape[:dtype]; write it like 1,3,224,224 or ids=1,77:int64."
        )
    name, shape, kind = match.groups()
    dtype = getattr(torch, kind or "float32", None)
    if not isinstance(dtype, torch.dtype):
        raise MacAuditError(f"--input {text!r} names no dtype of torch: {kind!r}; use float32, float16, int64 or bool.")
    sizes = tuple(int(size) for size in shape.split(",")) if shape else ()
    return name, torch.empty(sizes, dtype=dtype, device="meta")


def given_inputs(specifications: Sequence[str]) -> Inputs | None:
    parsed = [parse_input(text) for text in specifications]
    named = [name for name, _ in parsed if name]
    if len(set(named)) != len(named):
        raise MacAuditError("--input names an argument twice; give each keyword input once.")
    args = tuple(tensor for name, tensor in parsed if name is None)
    return Inputs(args, {name: tensor for name, tensor in parsed if name}) if parsed else None


def _image(size: Sequence[int]) -> Inputs:
    shape = tuple(size) if len(size) == 4 else (1, *size)
    return Inputs((torch.empty(shape, device="meta"),))


def torchvision_size(name: str) -> tuple[int, ...] | None:
    """The smallest size that a model's published weights take: those for fine-tuning take larger ones."""
    models = importlib.import_module("torchvision").models
    sizes = []
    for weights in models.get_model_weights(name):
        crop = getattr(weights.transforms(), "crop_size", None)
        if isinstance(crop, list | tuple) and crop:
            sizes.append((3, crop[0], crop[-1]))
    return min(sizes, default=None)

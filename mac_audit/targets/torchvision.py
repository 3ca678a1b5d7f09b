"""``torchvision:name``: a network of torchvision, without weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mac_audit.inputs import Found, Inputs
from mac_audit.sizes import Sizes, resized
from mac_audit.targets import Built, call, choose, library

ORIGIN = "inputs of the size that torchvision's weights were made for"


def build(name: str, arguments: Mapping[str, Any], target: str) -> Built:
    """A network of torchvision; the transforms and the meta of its published weights tell its inputs."""
    models = library("torchvision").models
    builder = models.get_model_builder(choose({known: known for known in models.list_models()}, name, "torchvision"))
    weights = list(models.get_model_weights(name))
    without = {key: None for key in ("weights", "weights_backbone") if key in inspect.signature(builder).parameters}
    model = call(lambda **given: builder(**{**without, **given}), arguments, target)
    return Built(model, lambda sizes: _inputs(model, _kind(builder), weights, sizes))


def _kind(builder: Callable[..., Any]) -> str:
    """``detection``, ``segmentation``, ``video``, ``optical_flow`` or the like: the package that the builder is in."""
    return builder.__module__.removeprefix("torchvision.models.").partition(".")[0]


def _inputs(model: nn.Module, kind: str, weights: list[Any], sizes: Sizes) -> Found | None:
    if kind == "detection":
        return _detection(model, sizes)
    presets = [(entry.transforms(), entry.meta) for entry in weights]
    if kind == "optical_flow":
        side = max(meta["min_size"] for _, meta in presets)
        return Found(resized(Inputs((_image(3, *side), _image(3, *side))), sizes), ORIGIN)
    # Of several sizes the smallest: weights for fine-tuning take larger ones.
    shapes = [(*_clip(kind, meta), *size) for preset, meta in presets if (size := _size(preset))]
    return Found(resized(Inputs((_image(3, *min(shapes)),)), sizes), ORIGIN) if shapes else None


def _size(preset: Any) -> tuple[int, int] | None:
    """Height and width that a preset crops to; a segmentation preset only resizes."""
    for name in ("crop_size", "resize_size"):
        size = getattr(preset, name, None)
        if isinstance(size, list | tuple) and size:
            return size[0], size[-1]
    return None


def _clip(kind: str, meta: Mapping[str, Any]) -> tuple[int, ...]:
    """The number of frames of a clip, 16 where the weights ask for no more (Kinetics-400 clips of torchvision)."""
    return (max(16, meta.get("min_temporal_size", 0)),) if kind == "video" else ()


def _detection(model: nn.Module, sizes: Sizes) -> Found:
    """One image as large as the model's own transform makes it, in a list; a batch is a longer list."""
    transform: Any = model.transform
    smallest = transform.min_size[-1] if isinstance(transform.min_size, tuple | list) else transform.min_size
    height, width = sizes.resolution(transform.fixed_size or (smallest, smallest))
    images = [torch.empty(3, height, width, device="meta") for _ in range(sizes.batch(1))]
    return Found(Inputs((images,)), "inputs of the size that the model's transform makes")


def _image(*shape: int) -> Tensor:
    return torch.empty(1, *shape, device="meta")

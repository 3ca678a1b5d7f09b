"""Prompts that hold images or sound: as many placeholder tokens as the encoder makes features."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any

import torch

from mac_audit.conventions import vision
from mac_audit.conventions.call import Call
from mac_audit.conventions.dry import shapes
from mac_audit.nested import tensors_in

# What is fed beside the tokens, the method that makes features of it, and how configurations call its placeholder.
_KINDS = {
    "pixel_values": ("get_image_features", ("image_token_id", "image_token_index", "boi_token_id")),
    "input_features": ("get_audio_features", ("audio_token_id", "audio_token_index")),
    "input_values": ("get_audio_features", ("audio_token_id", "audio_token_index")),
}


def with_placeholders(call: Call, values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` with placeholders before the text, where the configuration has a token for them."""
    for name, (method, words) in _KINDS.items():
        token = call.setting(words)
        if name in values and "input_ids" in values and isinstance(token, int) and _finds(call.model, method):
            text = values["input_ids"]
            try:
                features = _features(call, values, method)
            except Exception:  # the run tells what it is that does not go together
                break
            holders = torch.full((text.shape[0], features // text.shape[0]), token)
            tokens = torch.cat([holders, text], dim=1)
            kinds = {"mm_token_type_ids": (tokens == token).long()} if "mm_token_type_ids" in call.parameters else {}
            return {**values, "input_ids": tokens, **kinds}
    return dict(values)


def _finds(model: Any, method: str) -> bool:
    return callable(getattr(model, method, None))


def _features(call: Call, values: Mapping[str, Any], method: str) -> int:
    """How many features the model makes of all its images or sounds."""
    grid = vision.patches(call)
    if grid is not None and method == "get_image_features":
        return int(values["pixel_values"].shape[0]) // vision.merge_size(call) ** 2
    taken = inspect.signature(getattr(call.model, method)).parameters
    given = {name: value for name, value in values.items() if name in taken}
    result = shapes(call.model, lambda model, kwargs: getattr(model, method)(**kwargs), given)
    made = getattr(result, "pooler_output", None)
    return sum(math.prod(tensor.shape[:-1]) for tensor in tensors_in(result if made is None else made))

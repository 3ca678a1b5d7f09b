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
from mac_audit.nested import map_tensors, tensors_in
from mac_audit.steps.known import SMALL

# What is fed beside the tokens, the method that makes features of it, and how configurations call its placeholder.
_KINDS = {
    "pixel_values": ("get_image_features", ("image_token_id", "image_token_index", "boi_token_id")),
    "input_features": ("get_audio_features", ("audio_token_id", "audio_token_index")),
    "input_values": ("get_audio_features", ("audio_token_id", "audio_token_index")),
}
_MARKS = {"mm_token_type_ids", "image_embeds_position_mask"}  # arguments that say which tokens are placeholders
_LOOKS = {
    "image_encoder_embeddings",
    "cross_attention_mask",
}  # arguments where the text attends to images beside it


def with_placeholders(call: Call, values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` with placeholders before the text, where the configuration has a token or ``forward`` a mark for them.

    As many as the model asks its encoder queries, else as the encoder makes features; where the model has no method
    that makes them, one for the model to put the features in the place of. Where the encoder looks at the values of an
    image, to leave out empty ones, it holds ones.
    """
    if not _LOOKS.isdisjoint(call.parameters):
        return dict(values)
    for name, (method, words) in _KINDS.items():
        token = call.setting(words)
        marked = not _MARKS.isdisjoint(call.parameters)
        if not {name, "input_ids"} <= values.keys() or not (isinstance(token, int) or marked):
            continue
        queries = call.setting(("num_query_tokens",))
        if queries or not callable(getattr(call.model, method, None)):
            return _before_text(call, values, queries or 1, token)
        for given in (values, _with_data(values)):
            try:
                features = _features(call, given, method)
            except Exception:  # the run tells what it is that does not go together
                continue
            return _before_text(call, given, features // values["input_ids"].shape[0], token)
    return dict(values)


def _before_text(call: Call, values: Mapping[str, Any], count: int, token: Any) -> dict[str, Any]:
    text = values["input_ids"]
    place = torch.zeros(text.shape[0], count, dtype=text.dtype)
    tokens = torch.cat([place + (token if isinstance(token, int) else text[:, :1]), text], dim=1)
    marked = torch.cat([place + 1, torch.zeros_like(text)], dim=1)
    marks = dict.fromkeys(_MARKS & call.parameters.keys(), marked)
    # A model that finds out the lengths itself, from one placeholder each, reads them from the mask.
    mask = {"attention_mask": torch.ones_like(tokens)} if count == 1 and "attention_mask" in call.parameters else {}
    return {**values, "input_ids": tokens, **marks, **mask}


def _with_data(values: Mapping[str, Any]) -> dict[str, Any]:
    """Ones in place of what has no data, where they are few enough for ``forward`` to be followed with values."""

    def filled(tensor: torch.Tensor) -> torch.Tensor:
        return torch.ones_like(tensor, device="cpu") if tensor.is_meta and tensor.numel() <= SMALL else tensor

    return {name: map_tensors(filled, value) for name, value in values.items()}


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

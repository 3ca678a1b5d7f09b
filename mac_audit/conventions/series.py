"""Arguments of forecasting and control models, and what only a docstring tells of."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor

from mac_audit.conventions.call import Call, argument
from mac_audit.conventions.text import length
from mac_audit.conventions.vision import own_resolution


def past(call: Call) -> int:
    """Time steps that a forecast looks back on, lags included."""
    context = call.setting(("context_length",), (), 64)
    lags = call.setting(("lags_sequence",), (), [0])
    return call.sizes.sequence(context + max(lags))


@argument("past_values", "past_observed_mask")
def past_values(call: Call) -> Tensor:
    """(batch, time), with the series last where the model takes several."""
    words = call.documented("past_values") or ()
    count = call.setting(("num_input_channels", "input_size"), (), 1)
    several = len(words) == 3 or count > 1
    return call.floats(call.sizes.batch(), past(call), *([count] if several else []))


@argument("past_values_padding")
def past_values_padding(call: Call) -> Tensor:
    """Zeros, (batch, time): no step is padding."""
    return torch.zeros(call.sizes.batch(), past(call), dtype=torch.int64)


@argument("freq")
def frequency(call: Call) -> Tensor:
    """The class of the frequency of each series, (batch, 1): 0, the highest."""
    return torch.zeros(call.sizes.batch(), 1, dtype=torch.int64)


@argument("past_time_features")
def past_time_features(call: Call) -> Tensor:
    """(batch, time, features)."""
    return call.floats(call.sizes.batch(), past(call), call.setting(("num_time_features",), (), 1))


_BATCH = ("batch_size", "batch", "bs", "bsz")
_SEQUENCE = ("sequence_length", "seq_len", "seq_length", "episode_length", "num_tokens")


def documented(call: Call, name: str) -> Tensor | None:
    """A tensor of the shape that the docstring of ``forward`` gives, where the configuration knows all its words."""
    words = call.documented(name)
    if words is None:
        return None
    shape = [_size(call, word) for word in words]
    if any(size is None for size in shape):
        return None
    sizes = [size for size in shape if size is not None]
    kind = _kind(call, name)
    return call.floats(*sizes) if kind is None else torch.ones(sizes, dtype=kind)


def _size(call: Call, word: str) -> int | None:
    if word in _BATCH:
        return call.sizes.batch()
    if word in _SEQUENCE:
        return length(call)
    if word in ("height", "width"):
        return call.sizes.resolution(own_resolution(call))[word == "width"]
    if word.isdigit():
        return int(word)
    found: Any = call.setting((word, re.sub("_dim$", "_size", word)))
    return found if isinstance(found, int) else None


def _kind(call: Call, name: str) -> torch.dtype | None:
    """int64 or bool where the annotation of the argument says so; None for the model's own dtype."""
    annotation = str(call.parameters[name].annotation)
    if "LongTensor" in annotation or "IntTensor" in annotation:
        return torch.int64
    return torch.bool if "BoolTensor" in annotation else None

"""Arguments of language models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from mac_audit.conventions.call import Call, argument

_LENGTH = 128  # tokens, where the model takes as many: the length that BERT was pre-trained on most
_SECTIONS = ("text", "llm", "decoder", "language", "thinker", "generator")


def length(call: Call) -> int:
    """The number of tokens: what was asked for, else 128 or what the model takes."""
    limit = call.setting(("max_position_embeddings", "n_positions", "max_seq_len"), _SECTIONS, _LENGTH)
    return call.sizes.sequence(min(_LENGTH, limit) if isinstance(limit, int) and limit > 0 else _LENGTH)


def tokens(call: Call, batch: int, count: int) -> Tensor:
    """Ids of ordinary tokens, one after the other from the middle of the vocabulary, without special ones."""
    vocabulary = call.setting(("vocab_size",), _SECTIONS, 1000)
    vocabulary = vocabulary if isinstance(vocabulary, int) else min(vocabulary.values())
    special = set(_special(call.config))
    ids: list[int] = []
    for step in range(vocabulary):
        candidate = (vocabulary // 2 + step) % vocabulary
        if candidate not in special:
            ids.append(candidate)
        if len(ids) == count:
            break
    return torch.tensor(ids or [0])[torch.arange(count) % max(1, len(ids))].expand(batch, count).contiguous()


def _special(config: Any) -> Iterator[int]:
    values = config.to_dict() if hasattr(config, "to_dict") else config
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _special(value)
        elif str(key).endswith(("_token_id", "_token_index", "_token_ids")):
            yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, int))


@argument("input_ids", "decoder_input_ids", "qformer_input_ids")
def ids(call: Call) -> Tensor:
    """Token ids, (batch, sequence)."""
    return tokens(call, call.sizes.batch(), length(call))


@argument("attention_mask", "decoder_attention_mask", "qformer_attention_mask")
def mask(call: Call) -> Tensor:
    """Ones: no token is padding."""
    return torch.ones(call.sizes.batch(), length(call), dtype=torch.int64)


@argument("token_type_ids")
def token_types(call: Call) -> Tensor:
    """Zeros: one segment."""
    return torch.zeros(call.sizes.batch(), length(call), dtype=torch.int64)


@argument("bbox")
def boxes(call: Call) -> Tensor:
    """A box for each token: left, top, right, bottom in thousandths of the page."""
    page = torch.tensor([0, 0, 500, 500])
    return page.expand(call.sizes.batch(), length(call), 4).contiguous()

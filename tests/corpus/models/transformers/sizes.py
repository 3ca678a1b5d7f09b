"""Small sizes under the names that configurations give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mac_audit.request import Request
from tests.corpus.row import Row

TEXT: dict[str, Any] = {
    "vocab_size": 500,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
GROUPED = {**TEXT, "num_key_value_heads": 2}
VISION: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 64,
    "patch_size": 16,
}
PAIR = {  # BART and its relatives
    "vocab_size": 500,
    "d_model": 64,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 96,
    "decoder_ffn_dim": 96,
}
T5 = {"vocab_size": 500, "d_model": 64, "d_kv": 16, "d_ff": 96, "num_layers": 2, "num_heads": 4}
OPT = {
    "vocab_size": 500,
    "hidden_size": 64,
    "word_embed_proj_dim": 64,
    "ffn_dim": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
GPT = {"vocab_size": 500, "n_embd": 64, "n_layer": 2, "n_head": 4}
SERIES = {
    "prediction_length": 8,
    "context_length": 32,
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "lags_sequence": [1, 2, 3],
}


def row(name: str, shared: Mapping[str, Any] | None = None, inputs: str = "", uncompared: str = "", **own: Any) -> Row:
    """With a configuration of ``shared`` values and its ``own``; ``inputs`` where they cannot be found."""
    request = Request(f"transformers:{name}", {**(shared or {}), **own}, tuple(inputs.split()))
    return Row(request, uncompared=uncompared)


def without(arguments: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Those that a configuration does know."""
    return {name: value for name, value in arguments.items() if name not in names}

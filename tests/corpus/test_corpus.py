"""A varied part of the corpus; ``python -m tests.corpus`` audits all of it."""

from __future__ import annotations

import math

import pytest

from tests.corpus import oracle
from tests.corpus.models import FAMILIES
from tests.corpus.outcome import call, outcome
from tests.corpus.row import Row

pytestmark = pytest.mark.usefixtures("torchvision")

# Quick ones of every kind, all of which fake tensors do.
LAYERS = (
    *("transformer", "encoder", "attention", "lstm", "bidirectional", "cells", "waveform", "volume", "einsum"),
    *("complex", "bag", "nested", "scripted", "exported", "quantised_dynamic", "custom_operator"),
)
TORCHVISION = ("raft_small", "mvit_v2_s", "lraspp_mobilenet_v3_large", "quantized_resnet18")
TRANSFORMERS = (
    *("bert", "deberta-v2", "fnet", "gpt2", "llama", "deepseek_v3", "mixtral", "mamba", "t5", "swinv2"),
    *("wav2vec2", "whisper", "clip", "patchtst", "llama decode"),
)
DIFFUSERS = ("UNet2DConditionModel", "FluxTransformer2DModel", "AutoencoderKL")
FAKE = [
    *(f"tests.corpus.models.layers:{name}" for name in LAYERS),
    *(f"torchvision:{name}" for name in TORCHVISION),
    *(f"transformers:{name}" for name in TRANSFORMERS),
    *(f"diffusers:{name}" for name in DIFFUSERS),
]


@pytest.fixture(scope="session")
def corpus() -> dict[str, Row]:
    """Every row by its name."""
    rows = [row for family in FAMILIES.values() for row in family()]
    named = {row.name: row for row in rows}
    assert len(named) == len(rows)
    return named


@pytest.mark.parametrize("name", FAKE)
def test_captured_known_and_equal(corpus: dict[str, Row], name: str) -> None:
    """On fake tensors, with no operator unknown, and as many multiply-adds as are counted elsewhere."""
    found = outcome(corpus[name])
    assert found.error == ""
    assert found.method.startswith("fake tensors")
    assert found.unknown == ()
    assert found.madds == found.expected


def test_oracle_counts_products_by_expert(corpus: dict[str, Row]) -> None:
    """Against arithmetic on the configuration: the part of the oracle that torch does not count itself."""
    row = corpus["transformers:mixtral"]
    config = row.request.arguments
    width, hidden, heads = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    made = call(row.request)
    tokens = math.prod(made.kwargs["input_ids"].shape)
    keys = width // heads * config["num_key_value_heads"]
    projections = tokens * (2 * width * width + 2 * width * keys)  # queries and output; keys and values
    attention = 2 * tokens * tokens * width  # scores, and their product with the values
    router = tokens * width * config["num_local_experts"]
    experts = tokens * config["num_experts_per_tok"] * 3 * width * hidden  # gate, up and down
    expected = config["num_hidden_layers"] * (projections + attention + router + experts)
    assert oracle.count(lambda: call(row.request))[0] == expected

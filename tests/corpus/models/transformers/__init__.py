"""Architectures of transformers, each from its configuration, made small enough that real tensors would do too."""

from __future__ import annotations

from dataclasses import replace

from tests.corpus.models.transformers import media, text
from tests.corpus.row import Row

DECODED = ("bloom", "falcon", "gemma2", "gpt2", "llama", "mamba", "mixtral", "qwen3", "t5", "whisper")


def rows() -> list[Row]:
    """By modality; within, by name; then the step to the next token for some."""
    found = [*text.rows(), *media.rows()]
    by_name = {row.name.removeprefix("transformers:"): row for row in found}
    return found + [_decoding(by_name[name]) for name in DECODED]


def _decoding(row: Row) -> Row:
    return replace(row, request=replace(row.request, phase="decode"), label="decode")

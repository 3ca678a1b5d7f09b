"""The corpus, a family of models a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.corpus.models import diffusers, layers, torchvision, transformers
from tests.corpus.row import Row

FAMILIES: Mapping[str, Callable[[], list[Row]]] = {
    "PyTorch": layers.rows,
    "torchvision": torchvision.rows,
    "transformers": transformers.rows,
    "diffusers": diffusers.rows,
}

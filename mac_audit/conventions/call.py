"""What a convention for one argument of ``forward`` may look at, and the table of those conventions."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from mac_audit.sizes import Sizes

Argument = Callable[["Call"], Any]
ARGUMENTS: dict[str, Argument] = {}


def argument(*names: str) -> Callable[[Argument], Argument]:
    """Register a convention for the arguments of ``forward`` with these names; it returns their value."""

    def register(function: Argument) -> Argument:
        for name in names:
            assert name not in ARGUMENTS, f"two conventions for {name}"
            ARGUMENTS[name] = function
        return function

    return register


@dataclasses.dataclass(frozen=True)
class Call:
    """A model whose ``forward`` is to be called: its configuration, what ``forward`` takes, the sizes asked for."""

    model: nn.Module
    config: Any
    sizes: Sizes

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """The arguments that ``forward`` names."""
        every = inspect.signature(self.model.forward).parameters
        return {name: p for name, p in every.items() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}

    @property
    def dtype(self) -> torch.dtype:
        """That of the model's parameters."""
        return next((p.dtype for p in self.model.parameters() if p.is_floating_point()), torch.float32)

    def floats(self, *shape: int) -> Tensor:
        """A tensor without data, of the model's dtype."""
        return torch.empty(shape, dtype=self.dtype, device="meta")

    def setting(self, names: Iterable[str], sections: Iterable[str] = (), default: Any = None) -> Any:
        """The first of ``names`` that the configuration sets: in a nested one of ``sections``, else anywhere."""
        nested = list(_nested(self.config))
        chosen = [inner for key, inner in nested if any(section in key for section in sections)]
        for config in (*chosen, self.config, *(inner for _, inner in nested)):
            for name in names:
                value = _get(config, name)
                if value is not None:
                    return value
        return default

    def documented(self, name: str) -> tuple[str, ...] | None:
        """The words of the shape that the docstring of ``forward`` gives an argument, such as ``batch_size``."""
        text = inspect.getdoc(self.model.forward) or ""
        found = re.search(rf"(?m)^\s*{re.escape(name)} \([^\n]*?of shape `?'?\(([^)\n]*)\)", text)
        return tuple(word.strip() for word in found[1].split(",") if word.strip()) if found else None


def _get(config: Any, name: str) -> Any:
    return config.get(name) if isinstance(config, dict) else getattr(config, name, None)


def _nested(config: Any, depth: int = 3) -> Iterator[tuple[str, Any]]:
    """The configurations inside one, with their keys."""
    if depth == 0 or not hasattr(config, "__dict__"):
        return
    for key, value in vars(config).items():
        if hasattr(value, "to_dict") and hasattr(value, "model_type"):
            yield key, value
            yield from _nested(value, depth - 1)

"""Request: one model to audit and how to look at it, as plain data.

The command line, a configuration file and a sweep all speak of models in these words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


def is_saved(target: str) -> bool:
    """Whether a target is a network that was saved, which needs no torch; ``transformers:config.json`` is none."""
    return target.endswith(".json") and ":" not in target


@dataclass(frozen=True, slots=True)
class Request:
    """What to load, what to run it on, and which execution model to cost it under.

    ``target`` names the model as ``mac_audit.load`` reads it, ``arguments`` are those of its constructor. ``inputs``
    are specifications such as ``1,3,224,224`` or ``ids=1,77:int64``; without any, they are found beside the model.
    ``batch``, ``seq_len`` and ``resolution`` (height and width) change them. ``phase`` is ``prefill``, a language
    model's run over its prompt, or ``decode``, its step to the next token with a cache of ``seq_len`` tokens.
    ``device`` names what times are predicted for: one of ``mac_audit.device.names()``, a TOML file, or ``auto``.
    ``capture`` forces one way of ``mac_audit.capture``. ``plugins`` are files or modules that register formulas, see
    ``mac_audit.plugins``.

    The model's code runs in a process of its own unless ``isolation`` is False, see ``mac_audit.isolation``: for
    ``timeout`` seconds to each result at most (0 for no limit), in ``memory`` (``"4 GB"``), without ``network``.
    """

    target: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    execution: str = "folded"
    capture: Literal["auto", "fake", "values", "real"] = "auto"
    device: str | None = None
    plugins: tuple[str, ...] = ()
    batch: int | None = None
    seq_len: int | None = None
    resolution: tuple[int, int] | None = None
    phase: str | None = None
    timeout: float = 600.0
    memory: str | None = None
    network: bool = False
    isolation: bool = True

"""The step that makes one token."""

from __future__ import annotations

from torch import nn

from mac_audit.inputs import Found


def decode_step(model: nn.Module, found: Found, target: str) -> Found:
    raise NotImplementedError

"""The tensors that a capture runs on, a file each: fake ones, fake ones whose small values are known, real ones.

Each step of the ladder in ``mac_audit.capture`` is one class here. ``member`` and ``given`` say what stands for a
parameter or buffer and for an input while the model runs, ``run`` runs one operator. Tensors that come from elsewhere
(literals, plain attributes of modules) are real; ``run`` replaces them as it needs.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

from torch import Tensor


class Step(Protocol):
    """What a capture asks of its tensors.

    ``holds_data`` where they take real memory; ``assumed`` is a sentence on values that nobody gave, or empty.
    """

    holds_data: bool
    assumed: str

    def member(self, tensor: Tensor) -> Tensor:
        """What stands for a parameter or buffer, the same each time."""

    def given(self, tensor: Tensor) -> Tensor:
        """What stands for an input."""

    def stand_in(self, tensor: Tensor) -> Tensor:
        """What ``run`` makes of a tensor from elsewhere."""

    def forget(self, tensor: Tensor) -> None:
        """What was noted of a tensor holds no more: it got the data of another one (``x.data = y``)."""

    def around(self) -> AbstractContextManager[object]:
        """What has to hold while the model runs."""

    def run(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result of one operator."""

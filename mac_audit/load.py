"""Targets: what a user names → nn.Module and example inputs.

==============================  ===========================================================================
``model.py``                    the file's ``model``; else its ``build_model`` or ``get_model``; else its
                                only ``nn.Module`` subclass that constructs without arguments
``model.py:Name``               that object, class or function of the file
``package.module:name``         the same of an importable module
``zoo:name``                    a network of ``mac_audit.zoo``
``torchvision:name``            a network of torchvision, without weights
``timm:name``                   a network of timm, without weights
``transformers:name``           a class, ``model_type`` or config.json of transformers, without weights
``diffusers:name``              a class or config.json of diffusers, without weights
``model.pt2``                   an exported program
``model.pt``, ``model.ts``      a TorchScript module
==============================  ===========================================================================

``mac_audit.targets`` holds a file for each, ``mac_audit.conventions`` what inputs a model takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import nn

from mac_audit.construction import ON_META, REAL, construct
from mac_audit.conventions import find_inputs
from mac_audit.conventions.phase import in_phase
from mac_audit.errors import MacAuditError
from mac_audit.inputs import Found, Inputs, given_inputs
from mac_audit.sizes import Sizes, resized
from mac_audit.targets import Built, scheme_of

__all__ = ["ON_META", "REAL", "Loaded", "load"]


@dataclass(frozen=True)
class Loaded:
    """A model to audit, the inputs to run it on, how it was built and where the inputs come from."""

    target: str
    model: nn.Module
    inputs: Inputs
    construction: str
    origin: str
    _find: Callable[[Sizes, str | None], Found] = field(repr=False)

    def at(
        self,
        batch: int | None = None,
        seq_len: int | None = None,
        resolution: tuple[int, int] | None = None,
        phase: str | None = None,
    ) -> Loaded:
        """The same model with inputs of other sizes, see ``load``."""
        found = self._find(Sizes(batch, seq_len, resolution), phase)
        return replace(self, inputs=found.inputs, origin=found.origin)


def load(
    target: str,
    arguments: Mapping[str, Any] | None = None,
    inputs: Sequence[str] = (),
    *,
    batch: int | None = None,
    seq_len: int | None = None,
    resolution: tuple[int, int] | None = None,
    phase: str | None = None,
) -> Loaded:
    """The model that ``target`` names, built with ``arguments``, and its inputs.

    ``inputs`` are specifications as ``parse_input`` reads them; without any, inputs are found as ``find_inputs``
    says. ``batch``, ``seq_len`` and ``resolution`` (height and width) change them, ``phase="decode"`` makes them the
    next token and a cache of ``seq_len`` tokens. Raises ``MacAuditError`` where no model is found, or several, where
    the user's code raises, or where a size has nothing to act on.
    """
    given = given_inputs(inputs)
    build, name = scheme_of(target)
    built, construction = construct(lambda: build(name, arguments or {}, target), target)

    def find(sizes: Sizes, phase: str | None) -> Found:
        found = Found(resized(given, sizes), "inputs as given") if given else _found(built, sizes, target)
        sizes.check(target)
        return in_phase(phase, built.model, found, target) if phase else found

    found = find(Sizes(batch, seq_len, resolution), phase)
    return Loaded(target, built.model, found.inputs, built.construction or construction, found.origin, find)


def _found(built: Built, sizes: Sizes, target: str) -> Found:
    found = (built.inputs(sizes) if built.inputs else None) or find_inputs(built.model, sizes)
    if found is None:
        raise MacAuditError(
            f"The inputs of {target} are not known; give them with --input, such as --input 1,3,224,224 or"
            " --input tokens=1,128:int64, or define example_inputs in its file."
        )
    return found

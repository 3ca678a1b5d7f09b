"""``model.pt2``: a program that ``torch.export`` saved, with the inputs that it was exported on.

Such a file is code: its graph may call whatever can be reached from ``torch``, and torch evaluates the expressions of
its dynamic shapes. Its tensors are read without unpickling anything else (``weights_only``).
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from mac_audit.errors import MacAuditError
from mac_audit.inputs import Found, Inputs
from mac_audit.sizes import resized
from mac_audit.targets import Built

SUFFIXES = (".pt2",)


def build(name: str, arguments: Mapping[str, Any], target: str) -> Built:
    """The program with its modules as they were before the export."""
    if not Path(name).is_file():
        raise MacAuditError(f"There is no file {name}; give the path of a program that torch.export.save wrote.")
    if arguments:
        raise MacAuditError(f"{target} is a model already, so --arg has nothing to act on.")
    try:
        with _quiet(), _weights_only():
            program = torch.export.load(name)
            model = torch.export.unflatten(program)
    except Exception as error:
        text = " ".join(str(error).split())[:400].rstrip(".")  # torch tells much of how to take the risk
        raise MacAuditError(
            f"{name} is no program that this torch ({torch.__version__}) reads: {text}; export the model again."
        ) from error
    example = program.example_inputs
    saved = None if example is None else Inputs(tuple(example[0]), dict(example[1]))
    return Built(
        model,
        lambda sizes: Found(resized(saved, sizes), "inputs saved with the program") if saved else None,
    )


@contextmanager
def _weights_only() -> Iterator[None]:
    """Let ``torch.load`` build tensors and containers of them alone; torch.export would try again with any object."""
    name = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch's log to itself: what is wrong is raised as well, and told in a sentence."""
    log = logging.getLogger("torch.export")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)

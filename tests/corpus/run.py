"""Outcomes of many rows, each in a process that may hang or die without harm to the others."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import TimeoutError
from multiprocessing import get_context

import torch
from pebble import ProcessExpired, ProcessPool

from tests.corpus.outcome import Outcome, outcome
from tests.corpus.row import Row
from tests.torchvision_operators import import_torchvision


def run(rows: Sequence[Row], jobs: int, timeout: float) -> Iterator[Outcome]:
    """Their outcomes in order, as they come; one that takes longer than ``timeout`` seconds is given up."""
    with ProcessPool(jobs, initializer=_prepare, context=get_context("spawn")) as pool:
        outcomes = pool.map(outcome, rows, timeout=timeout).result()
        for row in rows:
            try:
                yield next(outcomes)
            except TimeoutError:
                yield Outcome(row.name, error=f"no result within {timeout:.0f} s")
            except ProcessExpired as error:
                yield Outcome(row.name, error=f"the process died with exit code {error.exitcode}")


def _prepare() -> None:
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"  # small configurations break promises about special tokens
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    import_torchvision()

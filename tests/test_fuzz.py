"""What fuzzing found stays mended, and documents that are nearly right come to a sentence or to a report.

``python -m tests.fuzz READER`` looks for more, see ``tests/fuzz``.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz.mutate import mutated
from tests.fuzz.readers import READERS, refused

CORPUS = Path(__file__).parent / "fuzz" / "corpus"
MUTANTS = {"trace": 30, "report": 60, "baseline": 100, "config": 40, "device": 60, "experiment": 30}  # some seconds


@pytest.mark.parametrize("name", READERS)
def test_corpus(name: str) -> None:
    """Every file is taken or refused with a sentence; at least one is taken, or nothing would be tested."""
    sentences = [refused(READERS[name], path.read_bytes()) for path in sorted((CORPUS / name).iterdir())]
    assert None in sentences
    assert all(sentence is None or len(sentence) < 1000 for sentence in sentences)


@pytest.mark.parametrize("name", MUTANTS)
def test_documents_that_are_nearly_right(name: str) -> None:
    seeds = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
    sentences = []
    for number in range(MUTANTS[name]):
        choice = random.Random(number)
        if (document := mutated(choice.choice(seeds), choice)) is not None:
            sentences.append(refused(READERS[name], document))
    assert None in sentences
    assert any(sentences)

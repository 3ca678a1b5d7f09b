"""Fixtures shared by all tests."""

from __future__ import annotations

from types import ModuleType

import pytest

from tests.torchvision_operators import import_torchvision


@pytest.fixture(scope="session")
def torchvision() -> ModuleType:
    """torchvision, also where its compiled operators cannot load."""
    return import_torchvision()

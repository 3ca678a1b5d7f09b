"""Fixtures shared by all tests."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

from tests.torchvision_operators import import_torchvision


@pytest.fixture(autouse=True, scope="session")
def _nothing_measured_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test meets the devices and times that somebody measured on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAC_AUDIT_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def torchvision() -> ModuleType:
    """torchvision, also where its compiled operators cannot load."""
    return import_torchvision()

"""Fixtures shared by all tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from tests.torchvision_operators import import_torchvision

if TYPE_CHECKING:
    from playwright.sync_api import Browser


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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window, for pages: the system's, or the one that ``playwright install chromium`` brings."""
    api = pytest.importorskip("playwright.sync_api", reason="pages are opened with playwright, which is not installed")
    with api.sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if path is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("there is no Chromium; install Debian's package, or run `playwright install chromium`")
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        found = playwright.chromium.launch(executable_path=path, args=flags)
        yield found
        found.close()

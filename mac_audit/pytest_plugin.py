"""A pytest fixture, ``mac_audit``, for tests of what a model costs.

::

    def test_cost(mac_audit):
        assert mac_audit(Net(), torch.empty(1, 3, 224, 224)).totals.mac_bytes < 5e6

Where such a test fails, its report has the table of each audit. pytest loads this file whenever it starts, so nothing
else is imported before the fixture is used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mac_audit.report import Report

_REPORTS = pytest.StashKey[list["Report"]]()


@pytest.fixture
def mac_audit(request: pytest.FixtureRequest) -> Callable[..., Report]:
    """Audit a model: takes what ``mac_audit.audit`` takes, gives a ``Report``."""

    def audit(model: Any, inputs: Any, **settings: Any) -> Report:
        from mac_audit import api

        report = api.audit(model, inputs, **settings)
        request.node.stash.setdefault(_REPORTS, []).append(report)
        return report

    return audit


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Add the tables to the report of a test that failed."""
    outcome = yield
    if call.when == "call" and outcome.get_result().failed and (reports := item.stash.get(_REPORTS, [])):
        from mac_audit.reporters import View
        from mac_audit.reporters.table import render

        width = item.config.get_terminal_writer().fullwidth
        for report in reports:
            outcome.get_result().sections.append((f"mac-audit {report.name}", render([report], View(width))))

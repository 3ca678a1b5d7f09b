"""The fixture, in a pytest of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

TEST = """
import torch

def net():
    return torch.nn.Sequential(torch.nn.Conv2d(8, 64, 1))

def test_passes(mac_audit):
    report = mac_audit(net(), torch.empty(1, 8, 16, 16))
    assert report.totals.madds == 16 * 16 * 8 * 64

def test_fails(mac_audit):
    mac_audit(net(), torch.empty(1, 8, 4, 4))
    assert mac_audit(net(), torch.empty(1, 8, 16, 16), select=["G1"]).totals.mac_bytes < 1e3

def test_fails_before():
    assert False
"""


def test_a_failing_check_shows_the_tables(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST)
    result = pytester.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=2)
    output = result.stdout.str()
    assert output.count("mac-audit Sequential") == 2  # both audits of the test that failed, none of the other two
    result.stdout.fnmatch_lines(["*1×8×4×4 float32*", "*1×8×16×16 float32*", "*fail*G1*unequal-channels*"])


def test_the_fixture_is_documented(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--fixtures", "-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(["mac_audit*", "*Audit a model*"])


def test_pytest_starts_without_torch() -> None:
    code = """
import sys, pytest
class Watch:
    def pytest_sessionfinish(self, session):
        assert session.config.pluginmanager.has_plugin("mac_audit")
        assert not {"torch", "rich", "networkx", "click"} & set(sys.modules)
sys.exit(pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", "/dev/null"], plugins=[Watch()]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 4, 5), done.stdout + done.stderr  # nothing to collect
    assert "AssertionError" not in done.stdout + done.stderr

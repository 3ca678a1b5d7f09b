"""The Python interface: ``mac_audit.audit``, its report in a notebook, the public names."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import torch
from torch import nn

import mac_audit
from mac_audit.errors import MacAuditError
from mac_audit.report import Report

X = torch.empty(1, 8, 16, 16, device="meta")


def wide(**settings: object) -> Report:
    return mac_audit.audit(nn.Sequential(nn.Conv2d(8, 64, 1)), X, **settings)  # type: ignore[arg-type]


def test_public_names_are_there() -> None:
    """Also after the submodules of the same names were imported, as every audit does."""
    wide()
    for name in mac_audit.__all__:
        assert getattr(mac_audit, name).__name__ == name
    assert dir(mac_audit) == sorted(mac_audit.__all__)
    with pytest.raises(AttributeError, match="nonesuch"):
        mac_audit.nonesuch  # noqa: B018


def test_importing_costs_nothing() -> None:
    code = "import sys, mac_audit; assert not {'torch', 'rich', 'click', 'networkx'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_selected_rules_run() -> None:
    assert [rule.code for rule in wide(select=["g1", "elementwise-share"]).rules] == ["G1", "G4"]
    with pytest.raises(mac_audit.MacAuditError, match="Did you mean unequal-channels"):
        wide(select=["unequal-chanels"])


def test_options_are_checked() -> None:
    assert wide().verdict == "fail"
    assert wide(options={"G1": {"limit": 0.9}}).verdict == "pass"
    with pytest.raises(mac_audit.MacAuditError, match=r"has no option 'limt'.*Did you mean limit"):
        wide(options={"G1": {"limt": 0.9}})


def test_severities() -> None:
    mild = {"unequal-channels": {"severity": "warning"}}
    assert wide(options=mild).verdict == "pass"
    assert wide(options=mild, fail_on="warning").verdict == "fail"


def test_budgets_by_hand() -> None:
    """64·8 weights and 64 biases."""
    assert wide(select=["params-budget"], budgets={"params": 576}).verdict == "pass"
    assert wide(select=["params-budget"], budgets={"params": 575}).verdict == "fail"


class Structure(HTMLParser):
    """The tags of a page, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_notebook_stays_small() -> None:
    """Of many layers and findings the first are shown, and how many there are is told."""
    report = wide()
    layers = (report.layers[0], *(replace(report.layers[1], path=f"conv{i}") for i in range(1000)))
    findings = tuple(replace(f, layer=f"conv{i}", message=f"m{i}") for f in report.findings for i in range(1000))
    findings = tuple(replace(f, source=None) for f in findings)
    page = replace(report, layers=layers, findings=findings)._repr_html_()
    assert len(page) < 65_536
    text = Structure(page).text
    assert "1000 layers, the 40 outermost shown" in text
    assert "1000 findings at 1000 lines of code" in text
    assert "… and 980 more" in text


def test_notebook() -> None:
    report = wide()
    page = Structure(report._repr_html_())
    assert page.tags.count("table") == 4  # totals, rules, classes, layers
    assert "fail" in page.text
    assert "channel widths 8 to 1" in page.text
    assert re.search(r"saves [\d.]+ K of MAC", page.text)


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "</code></table><img src=x>", "a|b", "\x1b[31m", "**b**"]
)
def test_notebook_shows_hostile_names_as_text(name: str) -> None:
    def shown(name: str) -> Structure:
        report = wide()
        findings = tuple(replace(finding, layer=name, message=name) for finding in report.findings)
        layers = tuple(replace(row, path=name, type=name) if row.path else row for row in report.layers)
        return Structure(replace(report, target=name, name=name, findings=findings, layers=layers)._repr_html_())

    assert shown(name).tags == shown("plain").tags
    assert shown(name).text.count(name.replace("\x1b", "\\x1b")) == shown("plain").text.count("plain")


def test_what_is_no_model_is_told() -> None:
    with pytest.raises(MacAuditError, match=r"audited is a str, not a torch\.nn\.Module"):
        mac_audit.audit("net.py", torch.empty(1, 3, 8, 8))  # type: ignore[arg-type]

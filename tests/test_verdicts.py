"""The verdicts of the paper on its own architectures, and of METRICS on their neighbours.

Each row: the guidelines that a network must break, and those that it must not; the others are not claimed.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import torch

from mac_audit import zoo
from mac_audit.api import audit
from mac_audit.load import load
from mac_audit.report import Report

ALL = {"G1", "G2", "G3", "G4"}

ROWS = [
    *((f"shufflenet_v2_{width}", 1, set(), ALL) for width in ("x0_5", "x1_0", "x1_5", "x2_0")),
    ("shufflenet_v1_g3_x1_0", 1, {"G1", "G2"}, {"G3"}),
    ("mobilenet_v2_x1_0", 1, {"G1", "G4"}, {"G2", "G3"}),
    ("mobilenet_v1_x1_0", 1, {"G4"}, {"G1", "G2", "G3"}),
    ("resnet50", 1, {"G1"}, {"G2", "G3"}),
    ("resnet50", 8, {"G1", "G4"}, {"G2", "G3"}),
    ("resnet18", 1, set(), ALL),
    ("vgg16", 1, set(), ALL),
    ("resnext50_32x4d", 1, {"G2"}, {"G1", "G3"}),
    ("googlenet", 1, {"G1", "G3"}, {"G2", "G4"}),
    ("inception_v3", 1, {"G1", "G3"}, {"G2", "G4"}),
    ("nasnet_a_large", 1, {"G3"}, {"G2"}),
    ("nasnet_a_mobile", 1, {"G3"}, {"G2"}),
    ("pnasnet5_large", 1, {"G3"}, {"G2"}),
]


def _audited(name: str, batch: int = 1, side: int | None = None) -> Report:
    model = zoo.models()[name]()
    channels, height, width = model.input_size
    return audit(model, torch.empty(batch, channels, side or height, side or width, device="meta"))


def _broken(report: Report) -> set[str]:
    return {rule.code for rule in report.rules if rule.verdict == "fail"}


@pytest.mark.parametrize(("name", "batch", "must", "must_not"), ROWS, ids=[f"{row[0]}-{row[1]}" for row in ROWS])
def test_verdict(name: str, batch: int, must: set[str], must_not: set[str]) -> None:
    report = _audited(name, batch)
    broken = _broken(report)
    assert must <= broken
    assert not must_not & broken
    assert {finding.code for finding in report.findings} == broken
    assert not report.totals.lower_bound


@pytest.mark.parametrize("side", [96, 224, 448])
@pytest.mark.parametrize("batch", [1, 8, 64])
@pytest.mark.parametrize("width", ["x0_5", "x1_0", "x1_5", "x2_0"])
def test_the_reference_is_clean(width: str, batch: int, side: int) -> None:
    assert _audited(f"shufflenet_v2_{width}", batch, side).verdict == "pass"


def test_verdicts_do_not_know_names(tmp_path: Path) -> None:
    """MobileNetV2 with every class and attribute called otherwise breaks the same guidelines at the same places."""
    source = (Path(zoo.__file__).parent / "mobilenet_v2.py").read_text()
    names = ("ConvNorm", "InvertedResidual", "MobileNetV2", "stem", "units", "head", "main", "expand", "depthwise")
    found = [name for name in names if re.search(rf"\b{name}\b", source)]
    assert len(found) >= 5
    for number, name in enumerate(found):
        source = re.sub(rf"\b{name}\b", f"renamed{number}", source)
    path = tmp_path / "renamed_for_test_verdicts.py"
    path.write_text(source + "\n\nmodel = next(make for name, make in MODELS.items() if name.endswith('x1_0'))()\n")
    try:
        loaded = load(f"{path}:model")
        renamed = audit(loaded.model, loaded.inputs)
    finally:
        sys.modules.pop(path.stem, None)
    original_model = load("zoo:mobilenet_v2_x1_0")
    original = audit(original_model.model, original_model.inputs)
    assert [(rule.code, rule.verdict, rule.value) for rule in renamed.rules] == [
        (rule.code, rule.verdict, rule.value) for rule in original.rules
    ]

    def places(report: Report) -> list[tuple[str, str, int | None]]:
        return [(f.code, f.message, f.source.line if f.source else None) for f in report.findings]

    assert places(renamed) == places(original)

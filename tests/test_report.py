"""The report: its schema, its round trip, and both renderings of it."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from itertools import product
from pathlib import Path

import jsonschema
import networkx as nx
import pytest
import torch
from torch import nn

import mac_audit
from mac_audit import report as report_module
from mac_audit.errors import MacAuditError
from mac_audit.profile import FRAGMENTS
from mac_audit.report import Line, Report
from mac_audit.reporters import View, reporter
from mac_audit.units import count

SCHEMA = json.loads((Path(report_module.__file__).parent / "report.schema.json").read_text())


class Odd(nn.Module):
    """One operator that nobody knows, beside a convolution and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.fc = nn.Linear(8, 256)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x).mean((2, 3))
        matrix = self.fc(x).view(-1, 16, 16)
        return torch.linalg.matrix_exp(matrix)  # the exponential squares as often as the values ask for


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    image = torch.empty(1, 3, 224, 224, device="meta")
    from mac_audit import zoo

    return {
        "clean": mac_audit.audit(zoo.models()["shufflenet_v2_x0_5"](), image),
        "findings": mac_audit.audit(zoo.models()["shufflenet_v1_g3_x0_5"](), image),
        "unknown": mac_audit.audit(Odd(), {"x": image}, execution="eager", flop_convention="torch"),
        "timed": mac_audit.audit(zoo.models()["shufflenet_v1_g3_x0_5"](), image, device="gtx-1080-ti"),
    }


def test_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", ["clean", "findings", "unknown", "timed"])
def test_json_fits_the_schema(reports: dict[str, Report], name: str) -> None:
    document = json.loads(reports[name].to_json())
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert document.keys() == SCHEMA["properties"].keys()


def test_schema_refuses_what_is_wrong(reports: dict[str, Report]) -> None:
    document = json.loads(reports["clean"].to_json())
    document["totals"]["madds"] = -1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(document)


@pytest.mark.parametrize("name", ["clean", "findings", "unknown", "timed"])
def test_json_round_trip(reports: dict[str, Report], name: str) -> None:
    text = reports[name].to_json()
    assert Report.from_json(text) == reports[name]
    assert Report.from_json(text).to_json() == text


def test_reading_names_the_place(reports: dict[str, Report]) -> None:
    document = json.loads(reports["clean"].to_json())
    document["layers"][3]["params"] = "many"
    with pytest.raises(MacAuditError, match=r"r\.json\.layers\[3\]\.params should be int"):
        Report.from_json(json.dumps(document), "r.json")


def test_own_costs_of_layers_add_up(reports: dict[str, Report]) -> None:
    for report in reports.values():
        root = report.layers[0]
        assert root.path == ""
        assert root.params == report.totals.params
        for name in ("madds", "mac_elements", "mac_bytes"):
            total = getattr(report.totals, name)
            assert getattr(root, name) == total
            assert sum(getattr(row.own, name) for row in report.layers) == total
            assert sum(getattr(cost, name) for cost in report.classes.values()) == total
            assert sum(getattr(operator, name) for operator in report.operators) == total


def test_unknown_operators_are_named(reports: dict[str, Report]) -> None:
    report = reports["unknown"]
    assert report.totals.lower_bound
    assert [entry.target for entry in report.coverage.unknown] == ["aten.linalg_matrix_exp.default"]
    (line,) = report.coverage.unknown[0].sources
    text = Path(__file__).read_text().splitlines()[line.line - 1]
    assert "the exponential" in text
    table = reporter("table")([report], View())
    assert "aten.linalg_matrix_exp.default ×1" in table
    assert "lower bound" in table


def test_what_misses_something_says_so_everywhere(reports: dict[str, Report]) -> None:
    """The exponential is called by the model itself: its layers are whole, it and all that adds it up are not."""
    report = reports["unknown"]
    assert {row.path for row in report.layers if row.lower_bound} == {""}
    assert report.layers[0].own.lower_bound
    assert {name for name, cost in report.classes.items() if cost.lower_bound} == {"other"}
    lines = reporter("table")([report], View(sort="madds")).splitlines()
    for start in ("  FLOPs  ", "  other  ", "  (the model itself)  "):
        (line,) = (line for line in lines if line.startswith(start))
        assert "≥ " in line
    (whole,) = (line for line in lines if line.startswith("  fc  "))
    assert "≥" not in whole
    assert "lower bound, 1 unknown operator" in lines[-1]
    sections = reporter("markdown")([report], View()).splitlines()
    assert any("≥ " in line and "FLOPs (a lower bound)" in line for line in sections)
    assert any("aten.linalg" in line and "a lower bound" in line for line in sections)
    clean = reports["clean"]
    assert not any(row.lower_bound or row.own.lower_bound for row in clean.layers)
    assert "≥" not in reporter("table")([clean], View())


def test_flop_convention(reports: dict[str, Report]) -> None:
    doubled, plain = reports["unknown"], reports["clean"]
    assert doubled.totals.flops == 2 * doubled.totals.madds
    assert plain.totals.flops == plain.totals.madds
    assert "2 × multiply-adds" in reporter("table")([doubled], View())


@pytest.mark.parametrize("width", [40, 60, 80, 160])
@pytest.mark.parametrize("name", ["clean", "findings", "unknown", "timed"])
def test_table_fits_its_width(reports: dict[str, Report], name: str, width: int) -> None:
    table = reporter("table")([reports[name]], View(width=width, depth=9))
    assert max(map(len, table.splitlines())) <= width
    assert "\x1b" not in table


def test_table_says_what_matters(reports: dict[str, Report]) -> None:
    table = reporter("table")([reports["findings"]], View(width=100))
    finding = reports["findings"].findings[0]
    assert finding.source is not None
    assert f"{finding.source.file}:{finding.source.line}" in table
    assert finding.message in table
    assert "MAC = memory access cost" in table
    assert "fail: G1, G2" in table
    assert "pass: no findings" in reporter("table")([reports["clean"]], View())
    assert "\x1b[" in reporter("table")([reports["clean"]], View(color=True))


def test_a_long_path_keeps_its_line(reports: dict[str, Report]) -> None:
    """Where it does not fit it goes on below, to its end."""
    finding = reports["findings"].findings[0]
    far = f"/home/somebody/{'of/a/long/path/' * 8}net.py"
    report = replace(reports["findings"], findings=(replace(finding, source=Line(far, 4321)),))
    table = reporter("table")([report], View(width=80))
    assert f"{far}:4321" in table.replace("\n", "").replace(" ", "")


def test_sorted_layers_are_told_apart(reports: dict[str, Report]) -> None:
    """Their paths are whole at 80 columns, or have their ends."""
    table = reporter("table")([reports["timed"]], View(width=80, depth=3, sort="mac", fold=False))
    rows = table[table.index("Layers") : table.index("Guidelines")].splitlines()[2:]
    shown = [row.split()[0] for row in rows if row and "(the model itself)" not in row]
    paths = {row.path for row in reports["timed"].layers}
    assert len(shown) > 20
    assert len(set(shown)) == len(shown)
    assert all(any(path.endswith(name.lstrip("…")) for path in paths) for name in shown)


@pytest.mark.parametrize(
    ("number", "text"),
    [(9_996_000_000, "10.0 G"), (99_960, "100 K"), (999_600, "1.00 M"), (1000, "1.00 K"), (12_345, "12.3 K")],
)
def test_three_digits_are_three(number: int, text: str) -> None:
    assert count(number) == text


def test_sorted_layers_add_up(reports: dict[str, Report]) -> None:
    from mac_audit.reporters.folding import folds
    from mac_audit.reporters.layer_table import disjoint

    for report in reports.values():
        for depth, folded in product(range(1, 4), (True, False)):
            entries = disjoint(folds(report, folded), depth)
            assert sum(entry.figures.mac_elements for entry in entries) == report.totals.mac_elements
            assert sum(entry.figures.params for entry in entries) == report.totals.params


def test_attributes_are_named_as_the_keys(reports: dict[str, Report]) -> None:
    document = json.loads(reports["clean"].to_json())
    assert {field.name for field in fields(Report)} == document.keys() - {"schema_version"}


def test_a_rule_that_crashes_is_an_error_result() -> None:
    from mac_audit.profile import Profile
    from mac_audit.rule import Outcome, rule

    @rule("X1", "crashes")
    def crashes(profile: Profile) -> Outcome:
        raise ZeroDivisionError("on purpose")

    report = mac_audit.audit(nn.Linear(2, 2), torch.empty(1, 2), rules=[crashes])
    assert [(result.code, result.verdict) for result in report.rules] == [("X1", "error")]
    assert "on purpose" in report.rules[0].reason
    assert report.errors


def test_unknown_format_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(MacAuditError, match="Did you mean table"):
        reporter("tabel")


def test_times_add_up(reports: dict[str, Report]) -> None:
    """Operators, classes and layers' own times to the whole, as they stand in the JSON."""
    document = json.loads(reports["timed"].to_json())
    whole = document["totals"]["predicted_ms"]
    assert document["device"]["name"] == "gtx-1080-ti"
    assert document["device"]["error"] > 0
    for parts in (document["operators"], document["classes"].values(), [row["own"] for row in document["layers"]]):
        assert sum(part["predicted_ms"] for part in parts) == pytest.approx(whole, rel=1e-12)
    assert document["layers"][0]["predicted_ms"] == pytest.approx(whole, rel=1e-12)
    assert {row["bound"] for row in document["operators"]} <= {"compute", "memory", "launch"}


def test_without_a_device_times_are_null(reports: dict[str, Report]) -> None:
    document = json.loads(reports["findings"].to_json())
    assert document["device"] is None
    parts = [document["totals"], *document["operators"], *document["layers"], *document["classes"].values()]
    assert {part["predicted_ms"] for part in parts} == {None}
    assert {finding["saving"]["predicted_ms"] for finding in document["findings"]} == {None}


def test_document_from_before_there_were_times_is_read(reports: dict[str, Report]) -> None:
    document = json.loads(reports["clean"].to_json())
    del document["device"], document["totals"]["predicted_ms"]
    for row in (*document["operators"], *document["layers"]):
        del row["predicted_ms"], row["bound"]
    assert Report.from_json(json.dumps(document)) == reports["clean"]


def test_the_graph_of_the_report_has_the_parallelism_that_g3_measured() -> None:
    """From ``after`` alone, by networkx: fragments ÷ those on the longest path, of the model and of each block."""
    from mac_audit import zoo

    report = mac_audit.audit(zoo.models()["googlenet"](), torch.empty(1, 3, 224, 224, device="meta"))
    graph = nx.DiGraph((feeder, i) for i, row in enumerate(report.operators) for feeder in row.after)

    def parallelism(part: set[int]) -> tuple[int, int]:
        fragments = {i for i in part if report.operators[i].kind in FRAGMENTS}
        weighted = nx.DiGraph()
        weighted.add_nodes_from(part)
        weighted.add_edges_from((a, b, {"weight": b in fragments}) for a, b in graph.edges if a in part and b in part)
        first = max((int(i in fragments) for i in part if not weighted.in_degree(i)), default=0)
        return len(fragments), first + int(nx.dag_longest_path_length(weighted))

    fragments, depth = parallelism(set(graph))
    measured = next(rule.value for rule in report.rules if rule.code == "G3")
    assert fragments / depth == pytest.approx(measured)
    assert len(report.blocks) == 9  # the paper of GoogLeNet has nine inception modules
    for block in report.blocks:
        assert (block.fragments, block.depth) == parallelism(set(block.operators))

"""What other viewers read: Chrome traces by the format's rules, GraphML by networkx, DOT by pydot, CSV by a reader."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from math import fsum
from pathlib import Path
from typing import Any

import jsonschema
import networkx as nx
import pydot
import pytest
import torch
from click.testing import CliRunner

import mac_audit
from mac_audit import zoo
from mac_audit.cli import main
from mac_audit.network import Shape
from mac_audit.report import Report
from mac_audit.reporters import View, escape, reporter
from mac_audit.reporters.graph import BlockGraph, block_graph
from mac_audit.reporters.html.graph import graph_of
from tests.hostile_text import HOSTILE, hostile

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pydot")

GOLDEN = Path(__file__).parent / "golden" / "report.json"

# https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU: the JSON object format, complete
# events and metadata events.
EVENT = {"ph": {"enum": ["X", "M"]}, "name": {"type": "string"}, "pid": {"type": "integer"}, "tid": {"type": "integer"}}
COMPLETE = {
    "required": ["cat", "ts", "dur"],
    "properties": {
        "cat": {"type": "string"},
        "ts": {"type": "number", "minimum": 0},
        "dur": {"type": "number", "minimum": 0},
    },
}
ARGUMENTS = {
    "process_name": {"name": {"type": "string"}},
    "process_labels": {"labels": {"type": "string"}},
    "process_sort_index": {"sort_index": {"type": "integer"}},
    "thread_name": {"name": {"type": "string"}},
    "thread_sort_index": {"sort_index": {"type": "integer"}},
}
METADATA = {
    "oneOf": [
        {"properties": {"name": {"const": name}, "args": {"required": list(args), "properties": args}}}
        for name, args in ARGUMENTS.items()
    ]
}
TRACE = {
    "type": "object",
    "required": ["traceEvents"],
    "properties": {
        "displayTimeUnit": {"enum": ["ms", "ns"]},
        "traceEvents": {
            "type": "array",
            "items": {
                "type": "object",
                "required": [*EVENT, "args"],
                "properties": {**EVENT, "args": {"type": "object"}},
                "if": {"properties": {"ph": {"const": "X"}}},
                "then": COMPLETE,
                "else": METADATA,
            },
        },
    },
}


@pytest.fixture(scope="module")
def report() -> Report:
    """GoogLeNet: nine inception modules, findings in them, times."""
    image = torch.empty(1, 3, 224, 224, device="meta")
    return mac_audit.audit(zoo.models()["googlenet"](), image, device="gtx-1080-ti", target="googlenet")


@pytest.fixture(scope="module")
def golden() -> Report:
    return Report.from_json(GOLDEN.read_text(encoding="utf-8"))


def render(name: str, *reports: Report) -> str:
    return reporter(name)(reports, View())


# --- the block graph -------------------------------------------------------------------------------------------------


def edges(graph: BlockGraph) -> nx.DiGraph:
    drawn = nx.DiGraph()
    drawn.add_nodes_from(node.id for node in graph.nodes)
    drawn.add_edges_from((edge.source, edge.target) for edge in graph.edges)
    return drawn


def test_the_block_graph_is_the_quotient_of_the_data_flow(report: Report) -> None:
    graph = block_graph(report)
    held = [i for node in graph.nodes for i in node.operators]
    assert sorted(held) == list(range(len(report.operators)))  # each operator in one node
    flow = nx.DiGraph((feeder, i) for i, row in enumerate(report.operators) for feeder in row.after)
    quotient = nx.quotient_graph(flow, [set(node.operators) for node in graph.nodes])
    names = {frozenset(node.operators): node.id for node in graph.nodes}
    assert {(names[a], names[b]) for a, b in quotient.edges} == set(edges(graph).edges)
    assert nx.is_directed_acyclic_graph(edges(graph))
    assert sum(node.mac_bytes for node in graph.nodes) == report.totals.mac_bytes
    assert sum(node.madds for node in graph.nodes) == report.totals.madds
    assert fsum(node.predicted_ms or 0 for node in graph.nodes) == pytest.approx(report.totals.predicted_ms)


def test_inception_modules_are_its_fragmented_blocks_and_carry_their_findings(report: Report) -> None:
    graph = block_graph(report)
    modules = [row.path for row in report.layers if row.type == "Inception"]
    assert len(modules) == 9  # Szegedy et al., 2015, Table 1
    assert [node.layer for node in graph.nodes if node.fragmented] == modules
    placed = {(finding.code, finding.layer): node.layer for node in graph.nodes for finding in node.findings}
    assert len(placed) == len(report.findings)
    assert all(layer.startswith(home) for (_, layer), home in placed.items())


def test_an_operator_that_a_line_called_is_meant_and_a_whole_model_has_no_place(golden: Report) -> None:
    """The addition behind a residual block is blamed, not the block, and a budget blames no node."""

    class Residual(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(64, 64, 1, groups=64)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x) + x

    inputs = torch.empty(1, 64, 56, 56, device="meta")
    found = mac_audit.audit(torch.nn.Sequential(Residual(), Residual()), inputs, budgets={"madds": "1"})
    adds = [i for i, row in enumerate(found.operators) if row.target.startswith("aten.add")]
    blamed: dict[tuple[str, str], set[tuple[int, ...]]] = {}
    for node in block_graph(found).nodes:
        for finding in node.findings:
            blamed.setdefault((finding.code, finding.layer), set()).add(node.operators)
    assert blamed["G4", "0"] == {(adds[0],)}
    assert blamed["G4", "1"] == {(adds[1],)}
    shown = {tuple(node["operators"]): node["findings"] for node in graph_of(found)["nodes"]}
    assert shown == {node.operators: len(node.findings) for node in block_graph(found).nodes}
    assert any(finding.code == "B2" for finding in found.findings)
    assert not any(code == "B2" for code, _ in blamed)


def test_what_lies_amid_a_block_goes_with_it_and_edges_lead_forward(report: Report) -> None:
    """As what computes with weights alone does; a block of which no operator is left is no node."""
    block = report.blocks[3]
    spoilt = replace(block, operators=block.operators[:1] + block.operators[2:])
    empty = replace(block, operators=())
    graph = block_graph(replace(report, blocks=(*report.blocks[:3], spoilt, *report.blocks[4:], empty)))
    assert [node.operators for node in graph.nodes] == [node.operators for node in block_graph(report).nodes]
    place = {node.id: number for number, node in enumerate(graph.nodes)}
    assert all(place[edge.source] < place[edge.target] for edge in graph.edges)


def test_the_page_draws_the_block_graph(report: Report) -> None:
    """A node for each block, and one for what is of one numbered layer between two; findings as the graph has them."""
    model = torch.nn.Sequential(*(torch.nn.Conv2d(64, 64, 1, groups=64) for _ in range(4)), torch.nn.ReLU())
    chain = mac_audit.audit(model, torch.empty(1, 64, 56, 56, device="meta"), execution="eager")
    for one in (report, chain, replace(report, blocks=(*report.blocks, replace(report.blocks[0], operators=())))):
        graph, drawn = block_graph(one), graph_of(one)
        blocks = [list(node.operators) for node in graph.nodes if node.block]
        assert [node["operators"] for node in drawn["nodes"] if node["block"]] == blocks
        assert [i for node in drawn["nodes"] for i in node["operators"]] == list(range(len(one.operators)))
        for shown in drawn["nodes"]:
            inside = [node for node in graph.nodes if set(node.operators) <= set(shown["operators"])]
            told = {(finding.code, finding.layer) for node in inside for finding in node.findings}
            assert shown["findings"] == len(told)
    assert [node["title"] for node in graph_of(chain)["nodes"]] == ["0", "1", "2", "3", "4"]


# --- the trace -------------------------------------------------------------------------------------------------------


def events(*reports: Report) -> list[dict[str, Any]]:
    document = json.loads(render("chrome-trace", *reports))
    jsonschema.Draft202012Validator(TRACE).validate(document)
    found: list[dict[str, Any]] = document["traceEvents"]
    return found


def ns(event: dict[str, Any]) -> tuple[int, int]:
    return round(1000 * event["ts"]), round(1000 * (event["ts"] + event["dur"]))


def test_the_operators_of_a_trace_follow_one_another_for_the_predicted_time(report: Report) -> None:
    rows = [event for event in events(report) if event["ph"] == "X" and event["cat"] != "module"]
    assert [event["name"] for event in rows] == [row.name for row in report.operators]
    spans = [ns(event) for event in rows]
    assert [start for start, _ in spans] == [0, *(end for _, end in spans[:-1])]
    assert spans[-1][1] == round(1e6 * (report.totals.predicted_ms or 0))
    first = rows[0]["args"]
    assert first["class"] == "conv"
    assert first["madds"] == 7 * 7 * 3 * 64 * 112 * 112  # its first row in Szegedy et al., 2015, Table 1
    assert re.fullmatch(r".*googlenet\.py:\d+", first["source"])


def test_the_modules_of_a_trace_are_a_flame_chart(report: Report) -> None:
    """Slices of a thread nest, an outer one before those that begin with it, and last as long as the layers do."""
    modules = [event for event in events(report) if event.get("cat") == "module"]
    layers = {row.path: row for row in report.layers}
    around: list[dict[str, Any]] = []
    for event in modules:
        start, end = ns(event)
        while around and ns(around[-1])[1] <= start:
            around.pop()
        assert not around or (ns(around[-1])[0] <= start and end <= ns(around[-1])[1])
        path = event["args"]["path"]
        assert (
            not around
            or around[-1]["args"]["path"] == "(the model itself)"
            or path.startswith(f"{around[-1]['args']['path']}.")
        )
        around.append(event)
        layer = layers["" if path == "(the model itself)" else path]
        assert (end - start) / 1e6 == pytest.approx(layer.predicted_ms, abs=2e-6)
        assert event["args"]["mac_bytes"] == layer.mac_bytes
    assert {event["args"]["path"] for event in modules} >= {"inception3a", "(the model itself)"}


def test_several_models_are_several_processes(report: Report) -> None:
    found = events(report, replace(report, name="other"))
    names = {event["pid"]: event["args"]["name"] for event in found if event["name"] == "process_name"}
    assert list(names.values()) == ["googlenet", "other"]
    threads = {(event["pid"], event["tid"]) for event in found if event["ph"] == "X"}
    assert len(threads) == len({thread for _, thread in threads}) == 4


def test_a_trace_without_a_device_is_told_in_a_sentence_before_anything_is_audited(tmp_path: Path) -> None:
    target, ran = tmp_path / "net.py", tmp_path / "ran"
    target.write_text(f"open({str(ran)!r}, 'w')\n")
    result = CliRunner().invoke(main, [str(target), "-o", f"chrome-trace={tmp_path / 't.json'}"])
    assert result.exit_code == 2
    assert not ran.exists()
    assert result.stderr.count("\n") == 1
    assert "--device NAME" in result.stderr
    assert not (tmp_path / "t.json").exists()


# --- graphs and tables -----------------------------------------------------------------------------------------------


def test_networkx_reads_the_graphml(report: Report) -> None:
    read = nx.parse_graphml(render("graphml", report))
    graph = block_graph(report)
    assert set(read.nodes) == {node.id for node in graph.nodes}
    assert set(read.edges) == {(edge.source, edge.target) for edge in graph.edges}
    assert sum(size for _, size in read.nodes(data="mac_bytes")) == report.totals.mac_bytes
    assert fsum(ms for _, ms in read.nodes(data="predicted_ms")) == pytest.approx(report.totals.predicted_ms)
    fragmented = [layer for node, layer in read.nodes(data="layer") if read.nodes[node]["fragmented"]]
    assert fragmented == [row.path for row in report.layers if row.type == "Inception"]
    assert {code for _, told in read.nodes(data="findings") if told for code in told.split()} == {"G1", "G3"}
    assert read.graph["model"] == "googlenet"


def test_pydot_reads_the_dot(report: Report) -> None:
    parsed = pydot.graph_from_dot_data(render("dot", report, replace(report, name="other")))
    assert parsed is not None
    drawn, other = parsed
    assert other.get_name() == '"other"'
    graph = block_graph(report)
    nodes = [node for node in drawn.get_nodes() if node.get_name() not in ("node", "edge", "graph")]
    assert [node.get_name() for node in nodes] == [node.id for node in graph.nodes]
    found = {(edge.get_source(), edge.get_destination()) for edge in drawn.get_edges()}
    assert found == {(edge.source, edge.target) for edge in graph.edges}
    assert [n.get("peripheries") == "2" for n in nodes] == [node.fragmented for node in graph.nodes]
    assert [n.get("color") == "red" for n in nodes] == [bool(node.findings) for node in graph.nodes]


def sizes(text: str) -> tuple[Shape, ...]:
    return tuple(tuple(map(int, one.split("x"))) for one in text.split())


def test_csv_has_the_layers(report: Report) -> None:
    text = render("csv", report, replace(report, name="other"))
    assert text.endswith("\r\n")
    assert text.count("\r\n") == text.count("\n") == 1 + 2 * len(report.layers)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {row["model"] for row in rows} == {"googlenet", "other"}
    own = rows[: len(report.layers)]
    assert [row["layer"] for row in own] == [row.path for row in report.layers]
    assert [sizes(row["output shapes"]) for row in own] == [row.output_shapes for row in report.layers]
    assert sum(int(row["own MAC (bytes)"]) for row in own) == report.totals.mac_bytes
    assert fsum(float(row["own predicted time (ms)"]) for row in own) == pytest.approx(report.totals.predicted_ms)
    assert int(own[0]["multiply-adds"]) == report.totals.madds


# --- hostile text ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_leaves_the_structure_alone(golden: Report, kind: str) -> None:
    report, plain = hostile(golden, HOSTILE[kind]), hostile(golden, "plain")
    read, known = (nx.parse_graphml(render("graphml", one)) for one in (report, plain))
    assert list(read.edges) == list(known.edges)
    assert {data["mac_bytes"] for _, data in read.nodes(data=True)} == {
        data["mac_bytes"] for _, data in known.nodes(data=True)
    }
    shapes = [
        [(type(item), *item.get_attributes()) for item in (*graph.get_nodes(), *graph.get_edges())]
        for one in (report, plain)
        for graph in pydot.graph_from_dot_data(render("dot", one)) or ()
    ]
    assert shapes[0] == shapes[1]
    rows = list(csv.reader(io.StringIO(render("csv", report), newline="")))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert len(rows) == 1 + len(golden.layers)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)
    slices = [event for event in events(report) if event["ph"] == "X" and event["cat"] != "module"]
    assert len(slices) == len(golden.operators)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|'/c calc'!A0", "'+cmd|'/c calc'!A0"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "' =1"),
        ("＝1", "'＝1"),
        ("conv1", "conv1"),
        ("0.narrow", "0.narrow"),
        ("a=b", "a=b"),
    ],
)
def test_a_cell_is_no_formula(text: str, cell: str) -> None:
    """https://owasp.org/www-community/attacks/CSV_Injection."""
    assert escape.csv_text(text) == cell


@pytest.mark.parametrize("text", ['say "hi"', "back\\", "a\\n\\N\\l", "&lt;b&gt;", "<b>x</b>", "{a|b}"])
def test_graphviz_shows_the_text(text: str) -> None:
    """By its rules: in a quoted string \\" is a quote; in a label \\\\ is a backslash and &amp; an ampersand."""
    quoted = escape.dot(text)
    assert re.fullmatch(r'"(?:[^"\\]|\\.)*"', quoted)
    assert re.sub(r"\\(.)", r"\1", quoted[1:-1]).replace("&amp;", "&") == text

"""The block graph as GraphML, for yEd, Gephi, Cytoscape or networkx: a graph for each model.

Times, bytes and elements are in the attributes' names; http://graphml.graphdrawing.org has the format.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from mac_audit.report import Report
from mac_audit.reporters import View
from mac_audit.reporters.escape import clean
from mac_audit.reporters.graph import Edge, Node, block_graph
from mac_audit.units import shape

Value = str | int | float | bool | None

_NAMESPACE = "http://graphml.graphdrawing.org/xmlns"
_TYPES: dict[type, str] = {str: "string", bool: "boolean", int: "long", float: "double"}
# What is told of a graph, a node and an edge, with the type of each.
_GRAPH: dict[str, type] = {
    "model": str,
    "target": str,
    "execution": str,
    "device": str,
    "verdict": str,
    "error": str,
}
_NODE: dict[str, type] = {
    "label": str,
    "layer": str,
    "part": str,
    "class": str,
    "operators": int,
    "fragments": int,
    "depth": int,
    "width": int,
    "fragmented": bool,
    "madds": int,
    "mac_elements": int,
    "mac_bytes": int,
    "predicted_ms": float,
    "lower_bound": bool,
    "findings": str,
    "messages": str,
}
_EDGE: dict[str, type] = {"shapes": str}


def render(reports: Sequence[Report], view: View) -> str:
    """One document with a final newline."""
    del view
    root = Element("graphml", xmlns=_NAMESPACE)
    for domain, names in (("graph", _GRAPH), ("node", _NODE), ("edge", _EDGE)):
        for name, kind in names.items():
            key = {"id": f"{domain}_{name}", "for": domain, "attr.name": name, "attr.type": _TYPES[kind]}
            SubElement(root, "key", key)
    for number, report in enumerate(map(clean, reports)):
        _graph(SubElement(root, "graph", id=f"g{number}", edgedefault="directed"), report)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def label(node: Node, report: Report) -> str:
    """What a node is called: the layer, and the operator where it is one."""
    layer = node.layer or "(the model itself)"
    return layer if node.block else f"{layer} {report.operators[node.operators[0]].kind}"


def _graph(graph: Element, report: Report) -> None:
    told = (
        report.name or report.target,
        report.target,
        report.execution,
        report.device.name if report.device else None,
        report.verdict,
        report.error or None,
    )
    _data(graph, "graph", zip(_GRAPH, told, strict=True))
    drawn = block_graph(report)
    for node in drawn.nodes:
        _data(SubElement(graph, "node", id=node.id), "node", zip(_NODE, _of_node(node, report), strict=True))
    for edge in drawn.edges:
        element = SubElement(graph, "edge", source=edge.source, target=edge.target)
        _data(element, "edge", [("shapes", _shapes(edge))])


def _of_node(node: Node, report: Report) -> Iterator[Value]:
    block = node.block
    yield from (label(node, report), node.layer, "block" if block else "operator", node.kind, len(node.operators))
    yield from (block.fragments, block.depth, block.width) if block else (None, None, None)
    yield from (node.fragmented, node.madds, node.mac_elements, node.mac_bytes, node.predicted_ms, node.lower_bound)
    yield " ".join(dict.fromkeys(finding.code for finding in node.findings)) or None
    yield "; ".join(dict.fromkeys(finding.message for finding in node.findings)) or None


def _shapes(edge: Edge) -> str:
    return ", ".join(map(shape, edge.shapes))


def _data(element: Element, domain: str, values: Sequence[tuple[str, Value]] | zip[tuple[str, Value]]) -> None:
    for name, value in values:
        if value is not None:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            SubElement(element, "data", key=f"{domain}_{name}").text = text

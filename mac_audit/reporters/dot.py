"""The block graph in DOT, for Graphviz: a digraph for each model.

A node is the darker the more of the model's predicted time it takes, or of its memory access where no device was
named. A fragmented block has two borders; a finding makes them red.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mac_audit.report import Report
from mac_audit.reporters import View
from mac_audit.reporters.escape import dot
from mac_audit.reporters.graph import Node, block_graph
from mac_audit.reporters.graphml import label
from mac_audit.units import at_least, count, duration, percent, shape

_FULL = 0.2  # the share of the whole from which on a node is as dark as it gets


def render(reports: Sequence[Report], view: View) -> str:
    """The digraphs below each other, with a final newline; ``dot -Tsvg`` draws them."""
    del view
    return "\n".join(line for report in reports for line in _graph(report)) + "\n"


def _graph(report: Report) -> Iterator[str]:
    device = f"time predicted on {report.device.name}" if report.device else "share of memory access"
    title = f"{report.name or report.target}: {report.error or device}"
    yield f"digraph {dot(report.name or report.target)} {{"
    yield f"  graph [label={dot(title)} labelloc=t fontname=Helvetica rankdir=TB]"
    yield "  node [shape=box style=filled fontname=Helvetica fontsize=10]"
    yield "  edge [fontname=Helvetica fontsize=8]"
    drawn = block_graph(report)
    for node in drawn.nodes:
        yield f"  {node.id} [{' '.join(_attributes(node, report))}]"
    for edge in drawn.edges:
        yield f"  {edge.source} -> {edge.target} [label={dot(*map(shape, edge.shapes))}]"
    yield "}"


def _attributes(node: Node, report: Report) -> Iterator[str]:
    share = _share(node, report)
    madds = f"{at_least(node.madds, node.lower_bound)} madds, " if node.madds or node.lower_bound else ""
    text = [label(node, report), f"{madds}{count(node.mac_elements)} MAC"]
    if node.predicted_ms is not None:
        text.append(f"{duration(node.predicted_ms)}, {percent(share)}")
    if node.block:
        text.append(
            f"{len(node.operators)} operators: {node.block.fragments} fragments, {node.block.depth} in sequence"
        )
    if node.findings:
        text.append(" ".join(dict.fromkeys(finding.code for finding in node.findings)))
    yield f"label={dot(*text)}"
    yield f"tooltip={dot(label(node, report), *dict.fromkeys(finding.message for finding in node.findings))}"
    shade = min(share / _FULL, 1)
    yield f'fillcolor="0.58 {0.75 * shade:.3f} {1 - 0.3 * shade:.3f}"'
    if node.fragmented:
        yield "peripheries=2"
    if node.findings:
        yield "color=red penwidth=2"


def _share(node: Node, report: Report) -> float:
    if node.predicted_ms is not None and report.totals.predicted_ms:
        return node.predicted_ms / report.totals.predicted_ms
    return node.mac_elements / max(report.totals.mac_elements, 1)

"""Where operators stand in the picture of the architecture: a column of blocks, each opening into its operators.

The column has a node for each block of the block graph, and one for what lies between two blocks, split where the
numbered layer changes (``units.3``). Nodes are in the order of execution, which is an order of the graph. Alike nodes
that follow one another, also in turns (attention, sum, attention, sum), are told once with how often they come.

Inside a node an operator's rank is its longest way from the node's entry, and in a rank operators stand below those
that they read (Sugiyama, Tagawa and Toda, *Visual Understanding of Hierarchical System Structures*, 1981).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from mac_audit.report import OperatorRow, Report
from mac_audit.reporters.graph import Node, block_graph

_LONGEST_TURN = 8  # nodes that repeat together


def graph_of(report: Report) -> dict[str, Any]:
    """``nodes`` with ``operators`` and the rank and slot of each in ``places``; ``turns`` of first, length, times.

    ``after`` are the nodes that a node reads from, ``findings`` how many count in it.
    """
    graph = block_graph(report)
    parts = [tuple(part) for _, part in groupby(graph.nodes, key=_together)]
    owner = {node.id: number for number, part in enumerate(parts) for node in part}
    after: list[set[int]] = [set() for _ in parts]
    for edge in graph.edges:
        after[owner[edge.target]].add(owner[edge.source])
    nodes = [_node(report, part, sorted(after[number] - {number})) for number, part in enumerate(parts)]
    alike: dict[Any, int] = {}
    signatures = [
        alike.setdefault(_signature(report.operators, node, number), len(alike)) for number, node in enumerate(nodes)
    ]
    return {"nodes": nodes, "turns": list(_turns(signatures))}


def _together(node: Node) -> Any:
    """Alike for those that follow one another in no block, in one numbered layer."""
    return node.id if node.block is not None else _numbered(node.layer)


def _node(report: Report, part: Sequence[Node], after: list[int]) -> dict[str, Any]:
    operators = [i for node in part for i in node.operators]
    block = part[0].block
    return {
        "title": block.layer if block is not None else _common(report.operators, operators),
        "operators": operators,
        "places": _places(report.operators, operators),
        "block": [block.fragments, block.depth, block.width] if block is not None else None,
        "after": after,
        "findings": len({id(finding) for node in part for finding in node.findings}),  # one may mean several of them
    }


def _numbered(layer: str) -> tuple[str, ...]:
    """The path down to the first number in it: ``units.3`` of ``units.3.main.conv``; else its first part."""
    parts = layer.split(".")
    end = next((i for i, part in enumerate(parts) if part.isdecimal()), 0)
    return tuple(parts[: end + 1])


def _common(operators: Sequence[OperatorRow], part: Sequence[int]) -> str:
    """The innermost layer in which all of it happens; one operator's own."""
    paths = [operators[i].layer.split(".") for i in part]
    common = [names[0] for names in zip(*paths, strict=False)]
    for depth, names in enumerate(zip(*paths, strict=False)):
        if len(set(names)) > 1:
            return ".".join(common[:depth])
    return ".".join(common)


def _places(operators: Sequence[OperatorRow], part: Sequence[int]) -> list[tuple[int, int]]:
    """Rank and slot of each operator."""
    rank: dict[int, int] = {}
    for i in part:
        rank[i] = 1 + max((rank[j] for j in operators[i].after if j in rank), default=-1)
    ranks: dict[int, list[int]] = defaultdict(list)
    for i in part:
        ranks[rank[i]].append(i)
    slot: dict[int, int] = {}
    for _, members in sorted(ranks.items()):
        above = {i: [slot[j] for j in operators[i].after if j in slot] for i in members}
        members.sort(key=lambda i: (sum(above[i]) / len(above[i]) if above[i] else 0.0, i))
        slot.update((i, position) for position, i in enumerate(members))
    return [(rank[i], slot[i]) for i in part]


def _signature(operators: Sequence[OperatorRow], node: dict[str, Any], number: int) -> tuple[Any, ...]:
    """Equal for nodes that are drawn alike and cost the same, wherever they stand."""
    members = set(node["operators"])
    inside = tuple(
        (row.target, row.input_shapes, row.output_shapes, tuple(i - j for j in row.after if j in members))
        for i, row in ((i, operators[i]) for i in node["operators"])
    )
    return node["block"] is None, tuple(number - j for j in node["after"]), inside


def _turns(signatures: Sequence[int]) -> Iterable[tuple[int, int, int]]:
    """First node, how many nodes, how often; the turn that covers most is taken, from the front."""
    start = 0
    while start < len(signatures):
        best, most = 1, 1
        for length in range(1, _LONGEST_TURN + 1):
            turn, times = signatures[start : start + length], 1
            while signatures[start + times * length : start + (times + 1) * length] == turn:
                times += 1
            if times > 1 and times * length > best * most:
                best, most = length, times
        yield start, best, most
        start += best * most

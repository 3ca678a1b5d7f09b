"""Where operators stand in the picture of the architecture: a column of blocks, each opening into its operators.

The column has a node for each block, and one for what lies between two blocks, split where the numbered layer changes
(``units.3``). Nodes are in the order of execution, which is an order of the graph. Alike nodes that follow one another,
also in turns (attention, sum, attention, sum), are told once with how often they come.

Inside a node an operator's rank is its longest way from the node's entry, and in a rank operators stand below those
that they read (Sugiyama, Tagawa and Toda, *Visual Understanding of Hierarchical System Structures*, 1981).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from mac_audit.report import BlockRow, OperatorRow, Report

_LONGEST_TURN = 8  # nodes that repeat together


@dataclass(frozen=True, slots=True)
class _Node:
    operators: range
    block: BlockRow | None


def graph_of(report: Report) -> dict[str, Any]:
    """``nodes`` with their ``first`` operator and its rank and slot in ``places``; ``turns`` of first, length, times.

    ``after`` are the nodes that a node reads from, ``findings`` how many count in it.
    """
    nodes = _nodes(report)
    owner = {i: number for number, node in enumerate(nodes) for i in node.operators}
    after = [
        sorted({owner[j] for i in node.operators for j in report.operators[i].after if j in owner} - {number})
        for number, node in enumerate(nodes)
    ]
    findings = _findings(report, nodes)
    alike: dict[Any, int] = {}
    signatures = [
        alike.setdefault(_signature(report.operators, node, [number - j for j in after[number]]), len(alike))
        for number, node in enumerate(nodes)
    ]
    return {
        "nodes": [
            {
                "title": node.block.layer if node.block is not None else _common(report.operators, node.operators),
                "first": node.operators.start,
                "places": _places(report.operators, node.operators),
                "block": [node.block.fragments, node.block.depth, node.block.width] if node.block else None,
                "after": after[number],
                "findings": findings[number],
            }
            for number, node in enumerate(nodes)
        ],
        "turns": list(_turns(signatures)),
    }


def _nodes(report: Report) -> list[_Node]:
    """Ranges of operators; what computes with weights alone in the midst of a block goes with it."""
    spans = sorted((min(block.operators), max(block.operators) + 1, i) for i, block in enumerate(report.blocks))
    found: list[_Node] = []
    start = 0
    for first, stop, i in spans:
        if first < start:
            continue
        found += _between(report.operators, range(start, first))
        found.append(_Node(range(first, stop), report.blocks[i]))
        start = stop
    return found + list(_between(report.operators, range(start, len(report.operators))))


def _between(operators: Sequence[OperatorRow], part: range) -> Iterable[_Node]:
    for _, run in groupby(part, key=lambda i: _numbered(operators[i].layer)):
        positions = list(run)
        yield _Node(range(positions[0], positions[-1] + 1), None)


def _numbered(layer: str) -> tuple[str, ...]:
    """The path down to the first number in it: ``units.3`` of ``units.3.main.conv``; else its first part."""
    parts = layer.split(".")
    end = next((i for i, part in enumerate(parts) if part.isdecimal()), 0)
    return tuple(parts[: end + 1])


def _common(operators: Sequence[OperatorRow], part: range) -> str:
    """The innermost layer in which all of it happens; one operator's own."""
    paths = [operators[i].layer.split(".") for i in part]
    common = [names[0] for names in zip(*paths, strict=False)]
    for depth, names in enumerate(zip(*paths, strict=False)):
        if len(set(names)) > 1:
            return ".".join(common[:depth])
    return ".".join(common)


def _places(operators: Sequence[OperatorRow], part: range) -> list[tuple[int, int]]:
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


def _findings(report: Report, nodes: Sequence[_Node]) -> list[int]:
    """How many that count lie in each node: in the block that bears the finding's name, else wherever its layer is."""
    blocks: dict[str, set[int]] = defaultdict(set)
    layers: dict[str, set[int]] = defaultdict(set)
    for number, node in enumerate(nodes):
        if node.block is not None:
            blocks[node.block.layer].add(number)
        for path in {report.operators[i].layer for i in node.operators}:
            parts = path.split(".")
            for depth in range(1, len(parts) + 1):
                layers[".".join(parts[:depth])].add(number)
    found = [0] * len(nodes)
    for finding in report.findings:
        if finding.suppressed is None and finding.layer:
            for number in blocks.get(finding.layer) or layers[finding.layer]:
                found[number] += 1
    return found


def _signature(operators: Sequence[OperatorRow], node: _Node, after: Sequence[int]) -> tuple[Any, ...]:
    """Equal for nodes that are drawn alike and cost the same, wherever they stand."""
    rows = (operators[i] for i in node.operators)
    inside = tuple(
        (row.target, row.input_shapes, row.output_shapes, tuple(i - j for j in row.after if j in node.operators))
        for i, row in zip(node.operators, rows, strict=True)
    )
    return node.block is None, tuple(after), inside


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

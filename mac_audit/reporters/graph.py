"""The block graph of a report: its blocks and the operators between them, with what each costs and complains of.

Whatever draws the architecture draws this. It is a quotient of the data-flow graph, without cycles, and every operator
of the report is in one node, so that costs of the nodes add up to the totals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum

from mac_audit.network import Shape
from mac_audit.report import BlockRow, Finding, OperatorRow, Report
from mac_audit.reporters.problems import problems


@dataclass(frozen=True, slots=True)
class Node:
    """A block, or an operator that is in none (``block`` is None).

    What computes with weights alone in the midst of a block, or what nobody reads, is no part of it and goes with it.
    ``operators`` are positions among the report's, in the order of execution; ``kind`` is the class of operator that
    accesses most memory here; ``findings`` are those that count. Times are in milliseconds, None without a device.
    """

    id: str
    layer: str
    operators: tuple[int, ...]
    block: BlockRow | None
    kind: str
    madds: int
    mac_elements: int
    mac_bytes: int
    predicted_ms: float | None
    lower_bound: bool
    findings: tuple[Finding, ...] = ()

    @property
    def fragmented(self) -> bool:
        """Whether some of its work lies side by side."""
        return self.block is not None and self.block.fragments > self.block.depth


@dataclass(frozen=True, slots=True)
class Edge:
    """Data that goes from one node to another: ``shapes`` are the results of the operators there that are read."""

    source: str
    target: str
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class BlockGraph:
    """Nodes in the order of execution; edges lead forward in it."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def block_graph(report: Report) -> BlockGraph:
    """The blocks of ``report``, the operators between them, and what feeds what."""
    nodes = [_node(report, f"n{number}", *part) for number, part in enumerate(_parts(report))]
    home = {i: node.id for node in nodes for i in node.operators}
    found: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding, name in _blamed(report, nodes, home):
        found[name].append(finding)
    told = tuple(replace(node, findings=tuple(found[node.id])) for node in nodes)
    return BlockGraph(told, tuple(_edges(report.operators, told, home)))


def _parts(report: Report) -> list[tuple[tuple[int, ...], BlockRow | None]]:
    """Operators that are one node, with their block; ranges, so that what one reads lies before it."""
    blocks = [block for block in report.blocks if block.operators]
    taken = {i for block in blocks for i in block.operators}
    parts: list[tuple[tuple[int, ...], BlockRow | None]] = []
    for block in blocks:
        amid = set(range(min(block.operators), max(block.operators))) - taken
        taken |= amid
        parts.append((tuple(sorted({*block.operators, *amid})), block))
    parts += [((i,), None) for i in range(len(report.operators)) if i not in taken]
    return sorted(parts, key=lambda part: part[0][0])


def _node(report: Report, name: str, positions: tuple[int, ...], block: BlockRow | None) -> Node:
    rows = [report.operators[i] for i in positions]
    access: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        access[row.kind] += row.mac_elements
    times = [row.predicted_ms for row in rows if row.predicted_ms is not None]
    return Node(
        id=name,
        layer=block.layer if block else rows[0].layer,
        operators=positions,
        block=block,
        kind=max(access, key=access.__getitem__),
        madds=sum(row.madds for row in rows),
        mac_elements=sum(row.mac_elements for row in rows),
        mac_bytes=sum(row.mac_bytes for row in rows),
        predicted_ms=fsum(times) if report.device else None,
        lower_bound=any(row.coverage == "unknown" for row in rows),
    )


def _blamed(report: Report, nodes: Sequence[Node], home: Mapping[int, str]) -> Iterator[tuple[Finding, str]]:
    """Each finding that counts with the nodes that it means, none for the model as a whole.

    It tells a layer and a line. The operators that this line called are meant, else blocks of the layer or inside it,
    else all that the layer runs.
    """
    called: defaultdict[object, dict[str, None]] = defaultdict(dict)  # a dict keeps the order
    blocks: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for i, row in enumerate(report.operators):
        called[row.layer, row.source][home[i]] = None
        called[row.layer][home[i]] = None
    for node in nodes:
        layer = node.layer
        while node.block and layer:
            blocks[layer][node.id] = None
            layer = layer.rpartition(".")[0]
    for finding in problems(report):
        if finding.layer or finding.source:
            line = called.get((finding.layer, finding.source))
            meant = line or blocks.get(finding.layer) or called.get(finding.layer) or {}
            yield from ((finding, name) for name in meant)


def _edges(operators: Sequence[OperatorRow], nodes: Sequence[Node], home: Mapping[int, str]) -> Iterator[Edge]:
    for node in nodes:
        read: dict[str, dict[int, None]] = {}
        for i in node.operators:
            for feeder in operators[i].after:
                if home[feeder] != node.id:
                    read.setdefault(home[feeder], {})[feeder] = None
        for source, feeders in read.items():
            yield Edge(source, node.id, tuple(s for feeder in feeders for s in operators[feeder].output_shapes))

"""What of a network runs side by side: its data-flow graph, its longest chain, its blocks.

A *fragment* is an operator that the caller names as one. A network with more fragments than its longest chain has
some that wait for nothing but a free processor; ``fragments ÷ fragments on the longest chain`` is its average
parallelism, one for a chain.

Only the *flow* is looked at: operators on a path from an input of the network to an output. What computes with
weights alone, or what nobody uses (saved statistics), lies on no such path. Every pass goes once through the
operators in the order of execution, which is an order of the graph too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise, takewhile
from typing import Literal

import networkx as nx  # type: ignore[import-untyped]

from mac_audit.network import Network, Operator

Origin = Literal["dominator", "module"]


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the flow, in the order of execution.

    ``origin`` says who drew its borders. *dominator*: it lies between two operators (or the inputs, or the outputs)
    through which everything must go, which are not part of it. *module*: it is one call of a module inside such a
    region, where the modules follow one another although data goes around them.

    ``depth`` counts the fragments on its longest chain. ``width`` is the largest number of fragments that stand at
    the same place in their chains, where a place is the number of fragments on the longest chain up to there. They
    depend on none of each other; there may be larger sets of independent fragments, which are expensive to find.
    ``layer`` is the innermost module in which all of it happens.
    """

    operators: tuple[Operator, ...]
    fragments: tuple[Operator, ...]
    width: int
    depth: int
    layer: str
    origin: Origin

    @property
    def excess(self) -> int:
        """Fragments beyond the longest chain."""
        return len(self.fragments) - self.depth


@dataclass(frozen=True)
class Structure:
    """A network as a graph.

    ``graph`` has the position of each operator as a node, and an edge to each operator that reads what it computed.
    ``flow`` are the operators between inputs and outputs, ``fragments`` those of them that were named so, ``depth``
    the number of these on the longest chain. What is in no block lies on every path from the inputs to the outputs.
    """

    graph: nx.DiGraph
    flow: tuple[Operator, ...]
    fragments: tuple[Operator, ...]
    depth: int
    blocks: tuple[Block, ...]

    @property
    def average_parallelism(self) -> float:
        """Fragments ÷ fragments on the longest chain; 1 without fragments."""
        return len(self.fragments) / self.depth if self.depth else 1.0


def structure_of(network: Network, fragments: Collection[str]) -> Structure:
    """The structure of ``network``, whose fragments are the operators of these names."""
    graph = data_flow(network)
    flow = _flow(network, graph, frozenset(fragments))
    whole = flow.block(range(len(flow.operators)), "dominator")
    return Structure(graph, whole.operators, whole.fragments, whole.depth, tuple(_blocks(flow)))


def data_flow(network: Network) -> nx.DiGraph:
    """Which operator feeds which, by their positions; ``mutates`` and ``after`` count like results and reads."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(network.operators)))
    written: dict[int, int] = {}  # by whom each tensor was written last
    for position, operator in enumerate(network.operators):
        read = (*operator.inputs, *operator.after)
        graph.add_edges_from((written[index], position) for index in read if index in written)
        written.update(dict.fromkeys((*operator.mutates, *operator.outputs), position))
    return graph


@dataclass(frozen=True)
class _Flow:
    """The flow with its operators numbered from 0, so that a part of it is a range.

    ``feeders`` are the numbers of those that feed each, ``starts`` those that read an input and ``ends`` those that
    write an output.
    """

    operators: tuple[Operator, ...]
    is_fragment: tuple[bool, ...]
    paths: tuple[list[str], ...]  # of the modules
    feeders: tuple[list[int], ...]
    starts: frozenset[int]
    ends: frozenset[int]

    def block(self, part: range, origin: Origin) -> Block:
        """What lies in ``part``."""
        chain: list[int] = []  # fragments on the longest chain up to each
        for i in part:
            before = max((chain[feeder - part.start] for feeder in self.feeders[i] if feeder in part), default=0)
            chain.append(before + self.is_fragment[i])
        found = [i for i in part if self.is_fragment[i]]
        return Block(
            operators=self.operators[part.start : part.stop],
            fragments=tuple(self.operators[i] for i in found),
            width=max(Counter(chain[i - part.start] for i in found).values(), default=0),
            depth=max(chain, default=0),
            layer=".".join(self.common_path(part)),
            origin=origin,
        )

    def common_path(self, part: range) -> list[str]:
        """The path of the innermost module that holds all of ``part``."""
        paths = self.paths[part.start : part.stop]
        alike = takewhile(
            lambda pair: pair[0] == pair[1], zip(min(paths, default=[]), max(paths, default=[]), strict=False)
        )
        return [name for name, _ in alike]

    def calls(self, part: range) -> list[range]:
        """``part`` by the child of its common module that ran; what the module runs itself stands between them."""
        depth = len(self.common_path(part))
        runs = (list(run) for _, run in groupby(part, key=lambda i: self.paths[i][depth : depth + 1]))
        return [range(run[0], run[-1] + 1) for run in runs]


def _flow(network: Network, graph: nx.DiGraph, fragments: frozenset[str]) -> _Flow:
    given = frozenset(network.inputs)
    reading = {i for i, operator in enumerate(network.operators) if not given.isdisjoint(operator.inputs)}
    writing = _writers(network)
    after: set[int] = set()  # the inputs
    for i in range(len(network.operators)):
        if i in reading or not after.isdisjoint(graph.predecessors(i)):
            after.add(i)
    before: set[int] = set()  # the outputs
    for i in reversed(range(len(network.operators))):
        if i in writing or not before.isdisjoint(graph.successors(i)):
            before.add(i)
    positions = sorted(after & before) or list(range(len(network.operators)))  # nothing in or out: all of it
    number = {position: i for i, position in enumerate(positions)}
    operators = tuple(network.operators[position] for position in positions)
    feeders = tuple([number[p] for p in graph.predecessors(position) if p in number] for position in positions)
    feeding = {feeder for found in feeders for feeder in found}
    return _Flow(
        operators=operators,
        is_fragment=tuple(operator.name in fragments for operator in operators),
        paths=tuple(operator.layer.split(".") if operator.layer else [] for operator in operators),
        feeders=feeders,
        starts=frozenset(i for i, p in enumerate(positions) if p in reading or not feeders[i]),
        ends=frozenset(i for i, p in enumerate(positions) if p in writing or i not in feeding),
    )


def _writers(network: Network) -> set[int]:
    """The operators that wrote the outputs; an output filled in place shares memory with what was written last."""
    written: dict[int, int] = {}
    filled: dict[int, int] = {}  # by storage
    for position, operator in enumerate(network.operators):
        written.update(dict.fromkeys(operator.outputs, position))
        filled.update((network.tensors[index].storage, position) for index in operator.mutates)
    last = [written.get(index) for index in network.outputs]
    last += [filled.get(network.tensors[index].storage) for index in network.outputs]
    return {position for position in last if position is not None}


def _blocks(flow: _Flow) -> Iterator[Block]:
    """Between operators through which everything must go, split by modules where that shows more."""
    borders = [-1, *_cuts(flow), len(flow.operators)]
    for entry, leave in pairwise(borders):
        if leave - entry > 1:
            region = range(entry + 1, leave)
            yield from _split(flow, region, flow.block(region, "dominator"))


def _cuts(flow: _Flow) -> Iterator[int]:
    """The operators on every path from the inputs to the outputs: those that no edge passes by."""
    reader = list(range(len(flow.operators)))  # the last one of each
    for i, feeders in enumerate(flow.feeders):
        for feeder in feeders:
            reader[feeder] = i
    pending = max(flow.starts, default=0)  # how far edges reach that began before i
    for i in range(len(flow.operators)):
        if pending <= i:
            yield i
        pending = max(pending, len(flow.operators) if i in flow.ends else reader[i])


def _split(flow: _Flow, region: range, block: Block) -> Iterator[Block]:
    """``region`` by the calls of modules in it, as long as these hold most of its parallelism.

    Cells that read the two cells before them leave no cut between them, but each is fragmented by itself. The
    branches of a block are modules as well; there each is a chain, and the parallelism lies between them.
    """
    waiting = [(region, block)]
    while waiting:
        part, whole = waiting.pop()
        calls = flow.calls(part) if whole.excess else []
        blocks = [flow.block(call, "module") for call in calls]
        if len(blocks) > 1 and 2 * sum(inner.excess for inner in blocks) > whole.excess:
            waiting += reversed(list(zip(calls, blocks, strict=True)))
        else:
            yield whole

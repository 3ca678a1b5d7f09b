"""The data-flow graph and its blocks on networks made by hand, and against networkx's own algorithms."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import networkx as nx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mac_audit.network import Network, Operator, Ref, Role, Tensor
from mac_audit.structure import Block, Structure, structure_of


def network(*lines: str, inputs: str = "x", outputs: str = "", layers: dict[str, str] | None = None) -> Network:
    """Operators as ``name: what it reads``; ``!t`` is a read after ``t``, ``=t`` a write to ``t`` in place.

    Each operator has one result of its own name; what is neither that nor an input is a weight. The result of the
    last one is the output, unless others are named.
    """
    made = [line.partition(":")[0] for line in lines]
    read = [[word.strip("!=") for word in line.partition(":")[2].split()] for line in lines]
    names = list(dict.fromkeys([*inputs.split(), *(name for names in read for name in names), *made]))
    index = {name: i for i, name in enumerate(names)}

    def marked(line: str, mark: str) -> tuple[int, ...]:
        return tuple(index[word[1:]] for word in line.partition(":")[2].split() if word[0] == mark)

    def tensor(name: str) -> Tensor:
        role: Role = "input" if name in inputs.split() else "activation" if name in made else "parameter"
        return Tensor((1,), "float32", 4, 1, storage=index[name], role=role, name=name)

    operators = tuple(
        Operator(
            name=name,
            target="made.up",
            arguments={"x": tuple(Ref(i) for i in map(index.__getitem__, names) if i not in marked(line, "!"))},
            outputs=(index[name],),
            layer=(layers or {}).get(name, ""),
            after=marked(line, "!"),
            mutates=marked(line, "="),
        )
        for line, name, names in zip(lines, made, read, strict=True)
    )
    ends = outputs.split() or made[-1:]
    return Network(
        tuple(map(tensor, names)),
        operators,
        (),
        tuple(index[name] for name in inputs.split()),
        tuple(index[name] for name in ends),
    )


def structure(net: Network, fragments: str | None = None) -> Structure:
    """With all operators as fragments where none are named."""
    return structure_of(net, [op.name for op in net.operators] if fragments is None else fragments.split())


def words(operators: Iterable[Operator]) -> str:
    return " ".join(operator.name for operator in operators)


def blocks(found: Structure) -> list[str]:
    return [words(block.operators) for block in found.blocks]


def test_a_chain_has_no_block_and_no_parallelism() -> None:
    found = structure(network("a: x w", "b: a", "c: b"))
    assert (words(found.flow), found.depth, found.average_parallelism, found.blocks) == ("a b c", 3, 1.0, ())
    assert sorted(found.graph.edges) == [(0, 1), (1, 2)]


def test_a_diamond_is_a_block_between_its_ends() -> None:
    found = structure(network("a: x", "b: a", "c: a", "c2: c", "d: b c2"), fragments="a b c c2")
    assert found.blocks == (
        Block(found.flow[1:4], found.flow[1:4], width=2, depth=2, layer="", origin="dominator"),  # b and c side by side
    )
    assert found.blocks[0].excess == 1
    assert found.average_parallelism == 4 / 3  # a, b, c, c2 over a, c, c2


def test_only_fragments_count() -> None:
    found = structure(network("a: x", "b: a", "c: a", "d: b c"), fragments="b")
    (block,) = found.blocks
    assert (words(block.operators), words(block.fragments), block.width, block.depth) == ("b c", "b", 1, 1)
    assert structure(network("a: x"), fragments="").average_parallelism == 1.0


def test_of_nested_diamonds_the_outer_one_is_the_block() -> None:
    found = structure(network("a: x", "b: a", "c: b", "d: b", "e: c d", "f: a", "g: e f"))
    assert blocks(found) == ["b c d e f"]
    assert (found.blocks[0].depth, found.blocks[0].width) == (3, 2)  # b c e; b and f, or c and d


def test_diamonds_in_sequence_are_blocks_of_their_own() -> None:
    found = structure(network("a: x", "b: a", "c: a", "d: b c", "e: d", "f: d", "g: e f"))
    assert blocks(found) == ["b c", "e f"]


def test_modules_that_hold_half_of_the_parallelism_are_no_blocks() -> None:
    """``a`` has two side by side; the other one that adds to the chain lies between modules."""
    lines = ["s: x", "a1: s", "a2: s", "b: a1 a2", "c: s", "end: b c"]
    where = {"a1": "m.a", "a2": "m.a", "b": "m.b", "c": "m.c"}
    assert blocks(structure(network(*lines, layers=where))) == ["a1 a2 b c"]


def test_a_residual_block_is_a_chain_and_a_way_around_it() -> None:
    (block,) = structure(network("a: x", "b: a", "c: b", "add: a c"), fragments="a b c").blocks
    assert (words(block.operators), block.depth, block.width, block.excess) == ("b c", 2, 1, 0)


def test_the_inputs_and_the_outputs_are_ends_too() -> None:
    assert blocks(structure(network("a: x", "b: x", "c: a b"))) == ["a b"]
    assert blocks(structure(network("a: x", "b: a", "c: a", outputs="b c"))) == ["b c"]


@pytest.mark.parametrize("dead", ["statistics: a", "statistics: x"])
def test_a_dead_end_hides_no_cut(dead: str) -> None:
    found = structure(network("a: x", dead, "b: a", "c: b"))
    assert (words(found.flow), blocks(found), found.depth) == ("a b c", [], 3)


def test_what_weights_alone_feed_hides_no_cut() -> None:
    found = structure(network("scale: w", "a: x", "shift: scale", "b: a scale", "c: b shift"))
    assert (words(found.flow), blocks(found)) == ("a b c", [])
    assert found.graph.number_of_edges() == 5  # in the graph they are


def test_memory_written_through_another_tensor_is_an_edge() -> None:
    """``buffer`` is filled through two views of it and read as a whole."""
    lines = ["buffer: w", "left: buffer", "a: x", "b: x", "l: =left a", "right: buffer !l", "r: =right b"]
    found = structure(network(*lines, "all: buffer !r"))
    assert words(found.flow) == "a b l right r all"
    assert blocks(found) == ["a b l right"]  # r waits for everything


def test_a_write_without_result_is_read_through_the_tensor_it_changed() -> None:
    net = network("a: x", "write: =a", "b: a")
    bare = Network(
        net.tensors,
        tuple(Operator(**{**fields(op), "outputs": () if op.name == "write" else op.outputs}) for op in net.operators),
        (),
        net.inputs,
        net.outputs,
    )
    assert sorted(structure(bare).graph.edges) == [(0, 1), (1, 2)]


def fields(operator: Operator) -> dict[str, object]:
    return {field.name: getattr(operator, field.name) for field in dataclasses.fields(Operator)}


def test_an_output_filled_in_place_ends_where_it_was_filled_last() -> None:
    """``torch.empty`` and two writes to it; the write returns nothing that the model returns."""
    net = network("out: w", "a: x", "fill: =out a", outputs="out")
    assert words(structure(net).flow) == "a fill"


def test_an_input_that_is_read_late_leaves_no_cut_before() -> None:
    found = structure(network("a: x", "b: a", "c: b y", "d: c", inputs="x y"))
    assert blocks(found) == ["a b"]  # c is the first through which both go


def test_an_output_that_leaves_early_leaves_no_cut_after() -> None:
    assert blocks(structure(network("a: x", "b: a", "c: b", "d: c", outputs="b d"))) == ["c d"]


def test_without_inputs_or_outputs_everything_flows() -> None:
    found = structure(network("a: w", "b: a", "c: a", "d: b c", inputs=""))
    assert (words(found.flow), blocks(found)) == ("a b c d", ["b c"])
    assert structure(Network((), (), (), (), ())).average_parallelism == 1.0


def cells(number: int, layer: str = "cells.{}") -> Network:
    """Cells that read the two before them and are four branches of two operators each."""
    lines, layers = ["stem: x"], {}
    for i in range(number):
        before = f"cat{i - 1}" if i else "stem"
        previous = f"cat{i - 2}" if i > 1 else "stem"
        own = [f"{b}{step}{i}" for b in "pqrs" for step in "12"]
        reads = [before, own[0], before, own[2], previous, own[4], previous, own[6]]
        lines += [f"{name}: {read}" for name, read in zip(own, reads, strict=True)]
        lines.append(f"cat{i}: {own[1]} {own[3]} {own[5]} {own[7]}")
        layers |= {name: f"{layer.format(i)}.{name[0]}" for name in own} | {f"cat{i}": layer.format(i)}
    return network(*lines, layers=layers)


def fragments_of(net: Network) -> str:
    return " ".join(op.name for op in net.operators if not op.name.startswith("cat"))


@pytest.mark.parametrize("number", [2, 5])
def test_cells_that_read_two_cells_are_told_apart_by_their_modules(number: int) -> None:
    net = cells(number)
    found = structure(net, fragments_of(net))
    assert [(b.layer, b.origin, len(b.fragments), b.depth, b.width) for b in found.blocks] == [
        (f"cells.{i}", "module", 8, 2, 4) for i in range(number)
    ]
    assert found.average_parallelism == (1 + 8 * number) / (1 + 2 * number)  # the stem, and eight or two in each cell


def test_what_was_found_stays_as_it_is() -> None:
    """Profiles hand one structure to every rule."""
    found = structure(cells(2), "")
    for kept, name in ((found, "blocks"), *((block, "width") for block in structure(cells(2)).blocks)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(kept, name, 0)


def test_cells_deep_in_modules_are_found() -> None:
    net = cells(6, "net.stage{}.cell")
    assert [block.layer for block in structure(net, fragments_of(net)).blocks] == [
        f"net.stage{i}.cell" for i in range(6)
    ]


def test_a_cell_called_again_is_a_block_again() -> None:
    net = cells(4)
    shared = {op.name: op.layer.replace("cells.2", "cells.0").replace("cells.3", "cells.1") for op in net.operators}
    again = Network(
        net.tensors,
        tuple(Operator(**{**fields(op), "layer": shared[op.name]}) for op in net.operators),
        (),
        net.inputs,
        net.outputs,
    )
    found = structure(again, fragments_of(net))
    assert [(b.layer, len(b.fragments)) for b in found.blocks] == [("cells.0", 8), ("cells.1", 8)] * 2


def test_without_modules_the_region_is_one_block() -> None:
    net = cells(3, "")
    (block,) = structure(network(*lines_of(net)), fragments_of(net)).blocks
    assert (block.origin, len(block.fragments), block.layer) == ("dominator", 24, "")


def lines_of(net: Network) -> list[str]:
    names = {index: tensor.name for index, tensor in enumerate(net.tensors)}
    return [f"{op.name}: {' '.join(names[index] for index in op.inputs)}" for op in net.operators]


def test_branches_that_are_modules_stay_one_block() -> None:
    lines = ["a: x", "b1: a", "b2: b1", "c1: a", "c2: c1", "d: a", "cat: b2 c2 d"]
    layers = {
        "a": "stem",
        "b1": "mix.b.0",
        "b2": "mix.b.1",
        "c1": "mix.c.0",
        "c2": "mix.c.1",
        "d": "mix.d",
        "cat": "mix",
    }
    (block,) = structure(network(*lines, layers=layers), "a b1 b2 c1 c2 d").blocks
    assert (block.origin, block.layer, len(block.fragments), block.depth, block.width) == ("dominator", "mix", 5, 2, 3)


def test_a_module_that_holds_the_smaller_part_does_not_split_a_block() -> None:
    """Four branches, one with a diamond: of four fragments beside the chain one is within a module."""
    lines = ["a: x", "b: a", "c: a", "d1: a", "d2: d1", "d3: d1", "d4: d2 d3", "e: a", "cat: b c d4 e"]
    layers = {name: f"mix.{name[0]}" for name in ["b", "c", "d1", "d2", "d3", "d4", "e"]}
    (block,) = structure(network(*lines, layers=layers), "b c d1 d2 d3 d4 e").blocks
    assert (block.origin, block.layer, block.excess) == ("dominator", "mix", 4)


def test_a_module_path_ends_at_a_dot() -> None:
    layers = {"b": "net.cell1.conv", "c": "net.cell10.conv"}
    (block,) = structure(network("a: x", "b: a", "c: a", "d: b c", layers=layers)).blocks
    assert block.layer == "net"


# Random networks: what each operator reads (inputs are 0 and 1), whether it is a fragment, and its module.
OPERATORS = st.lists(
    st.tuples(
        st.sets(st.integers(0, 14), max_size=3), st.booleans(), st.sampled_from(["", "a", "a.b", "a.c", "d.e.f"])
    ),
    min_size=1,
    max_size=14,
)
Made = list[tuple[set[int], bool, str]]


def made_network(operators: Made, outputs: set[int], with_layers: bool) -> tuple[Network, list[str]]:
    names = ["x", "y", *(f"o{i}" for i in range(len(operators)))]
    lines = [
        f"o{i}: {' '.join(names[read % (i + 3)] if read % (i + 3) < i + 2 else 'w' for read in sorted(reads))}"
        for i, (reads, _, _) in enumerate(operators)
    ]
    ends = {f"o{i % len(operators)}" for i in outputs}
    layers = {f"o{i}": layer for i, (_, _, layer) in enumerate(operators)} if with_layers else {}
    net = network(*lines, inputs="x y", outputs=" ".join(sorted(ends)), layers=layers)
    return net, [f"o{i}" for i, (_, fragment, _) in enumerate(operators) if fragment]


def oracle(net: Network) -> nx.DiGraph:
    """The operators by name from "inputs" to "outputs", without what lies on no path between these."""
    graph = nx.DiGraph()
    graph.add_nodes_from(["inputs", "outputs"])
    for operator in net.operators:
        for index in operator.inputs:
            tensor = net.tensors[index]
            if not tensor.is_weight:
                graph.add_edge("inputs" if tensor.role == "input" else tensor.name, operator.name)
    graph.add_edges_from((net.tensors[index].name, "outputs") for index in net.outputs)
    on_paths = (nx.descendants(graph, "inputs") | {"inputs"}) & (nx.ancestors(graph, "outputs") | {"outputs"})
    return nx.DiGraph(graph.subgraph(on_paths))


def longest(graph: nx.DiGraph, fragments: Iterable[str]) -> int:
    """Fragments on the longest chain, as the longest path of a graph whose edges weigh what they lead to."""
    weighted = nx.DiGraph()
    weighted.add_edges_from((a, b, {"weight": int(b in fragments)}) for a, b in graph.edges)
    weighted.add_edges_from(("before", node, {"weight": int(node in fragments)}) for node in graph.nodes)
    return int(nx.dag_longest_path_length(weighted, default_weight=0))


@settings(deadline=None)
@given(OPERATORS, st.sets(st.integers(0, 13), min_size=1, max_size=2))
def test_cuts_are_the_dominators_of_the_outputs(operators: Made, outputs: set[int]) -> None:
    net, fragments = made_network(operators, outputs, with_layers=False)
    graph = oracle(net)
    assume("outputs" in graph)  # else no input leads to an output
    found = structure_of(net, fragments)
    parent = nx.immediate_dominators(graph, "inputs")
    dominators, node = set(), "outputs"
    while (node := parent[node]) != "inputs":
        dominators.add(node)
    in_blocks = {operator.name for block in found.blocks for operator in block.operators}
    assert {operator.name for operator in found.flow} == set(graph.nodes) - {"inputs", "outputs"}
    assert {operator.name for operator in found.flow} - in_blocks == dominators
    assert found.depth == longest(graph, fragments)
    assert sum(block.excess for block in found.blocks) == len(found.fragments) - found.depth


@settings(deadline=None)
@given(OPERATORS, st.sets(st.integers(0, 13), min_size=1, max_size=2))
def test_modules_split_blocks_and_lose_nothing(operators: Made, outputs: set[int]) -> None:
    net, fragments = made_network(operators, outputs, with_layers=True)
    plain = structure_of(made_network(operators, outputs, with_layers=False)[0], fragments)
    found = structure_of(net, fragments)
    names = [operator.name for block in found.blocks for operator in block.operators]
    assert names == [operator.name for block in plain.blocks for operator in block.operators]
    graph = nx.DiGraph([(net.operators[a].name, net.operators[b].name) for a, b in found.graph.edges])
    graph.add_nodes_from(names)
    for block in found.blocks:
        inside = graph.subgraph(operator.name for operator in block.operators)
        inner = {operator.name for operator in block.fragments}
        assert inner == set(fragments) & set(inside.nodes)
        assert block.depth == longest(inside, inner)
        order = nx.transitive_closure_dag(inside).subgraph(inner)
        assert min(1, len(inner)) <= block.width <= max(map(len, nx.antichains(order)))
        assert all(f"{op.layer}.".startswith(f"{block.layer}.") or not block.layer for op in block.operators)


def numbered(reads: list[list[int]], layer: str = "") -> Network:
    """Operators by the tensors that they read: 0 is the input, i + 1 what operator i made."""
    tensors = tuple(
        Tensor((1,), "float32", 4, 1, storage=i, role="activation" if i else "input") for i in range(len(reads) + 1)
    )
    operators = tuple(
        Operator(f"o{i}", "made.up", {"x": tuple(map(Ref, read))}, (i + 1,), layer=layer.format(i))
        for i, read in enumerate(reads)
    )
    return Network(tensors, operators, (), (0,), (len(reads),))


def test_a_hundred_thousand_operators() -> None:
    found = structure(numbered([[i] for i in range(100_000)]))
    assert (found.depth, found.blocks) == (100_000, ())


def test_a_hundred_thousand_operators_around_which_data_goes() -> None:
    """Each reads the two before it: no cut, and one chain."""
    found = structure(numbered([[i, max(i - 1, 0)] for i in range(100_000)], layer="cells.{}.conv"))
    assert (found.depth, len(found.blocks), found.blocks[0].excess) == (100_000, 1, 0)


def test_a_thousand_branches() -> None:
    found = structure(numbered([[0], *([1] for _ in range(1000)), list(range(2, 1002))]))
    (block,) = found.blocks
    assert (block.width, block.depth, block.excess) == (1000, 1, 999)
    assert found.average_parallelism == 1002 / 3

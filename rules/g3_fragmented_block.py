"""G3: network fragmentation reduces the degree of parallelism."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from mac_audit.profile import Block, Costed, Profile
from mac_audit.rule import Measure, NotApplicable, Outcome, Violation, rule

Key = tuple[object, ...]


@rule("G3", "fragmented-block")
def fragmented_block(profile: Profile, *, limit: float = 1.5) -> Outcome:
    """Network fragmentation reduces the degree of parallelism.

    ## What it does

    Takes the data-flow graph from the model's inputs to its outputs and calls each convolution, pooling and matrix
    product in it a fragment. The measure is the average parallelism: fragments ÷ fragments on the longest chain. It
    is 1 for a chain; each fragment beside the chain adds to it.

    The findings are the blocks that add most: parts of the graph that everything enters and leaves at one operator.
    Where cells read the outputs of two cells before them there is no such operator, and each call of a module is a
    block. A block has its fragments, its depth (those on its longest chain) and its width (the most that stand at
    the same place in their chains).

    ## Why

    Many small operators in place of a few large ones leave a parallel device idle, and each costs a launch and a
    synchronisation. In the paper's Table 3 a block of four fragments is up to three times slower on a GPU than one
    of a single fragment at the same FLOPs; NASNet-A has 13 in a cell where ResNet has two or three in a block. The
    multiply-adds show nothing of that.

    ## Instead

    Merge branches that read the same tensor into one wider layer; give up branches for width. What is reported as
    saved is memory access alone: a tensor that k layers of the block read is read once by the layer that replaces
    them, at the same multiply-adds. The larger part, launches and idle units, is no memory access and is not in it.
    Layers of one kernel size merge exactly, those of several need the choice of one; pools are not merged. Tensors
    count as the same where they are views or equal element-wise functions (each branch's own ReLU) of one.

    ## Options

    * `limit`: the average parallelism that is tolerated. 1.5 is this project's choice, the paper prints none: it
      lies between networks of two or three fragments in a block (ShuffleNetV2, ResNet, below 1.2) and those of
      many branches (GoogLeNet and NASNet-A, above 2.5).

    ## References

    Ma et al., ShuffleNet V2, ECCV 2018, section 3, guideline G3 and Table 3. Zoph et al., *Learning Transferable
    Architectures for Scalable Image Recognition*, CVPR 2018, Figure 4, for the cells of NASNet-A.
    """
    structure = profile.structure
    if len(structure.fragments) < 2:
        return NotApplicable("the model has no two convolutions, pools or matrix products")
    values = _values(profile)
    costed = {entry.operator.name: entry for entry in profile.operators}
    return Measure(
        value=structure.average_parallelism,
        limit=limit,
        measure="average parallelism: convolutions, pools and matrix products ÷ those on the longest chain",
        violations=tuple(
            _violation(block, structure.depth, _readers(block, costed, values), profile)
            for block in _fewest(structure.blocks, len(structure.fragments), limit * structure.depth)
        ),
    )


def _fewest(blocks: Iterable[Block], fragments: int, tolerated: float) -> list[Block]:
    """The fewest blocks, worst first, that leave no more fragments than ``tolerated`` once they are chains."""
    chosen: list[Block] = []
    for block in sorted(blocks, key=lambda block: -block.excess):
        if fragments <= tolerated or not block.excess:
            break
        chosen.append(block)
        fragments -= block.excess
    return chosen


def _values(profile: Profile) -> dict[int, int]:
    """Tensors that hold what another holds, with the first of those: equal views and functions of one tensor."""
    first: dict[Key, int] = {}
    same: dict[int, int] = {}
    for entry in profile.operators:
        operator = entry.operator
        pure = operator.view or (entry.kind == "elementwise" and not operator.mutates)
        if not pure or len(operator.inputs) != 1 or len(operator.outputs) != 1:
            continue
        (read,), (written,) = operator.inputs, operator.outputs
        held = same.get(read, read)
        tensors = profile.network.tensors
        if operator.view and tensors[written].elements == tensors[read].elements and not operator.after:
            same[written] = held  # in another shape, but all of it
            continue
        literals = tuple((name, value) for name, value in operator.arguments.items() if name not in _TENSORS)
        same[written] = first.setdefault((operator.target, literals, held, operator.after), written)
    return same


def _readers(block: Block, costed: dict[str, Costed], values: dict[int, int]) -> list[list[Costed]]:
    raise NotImplementedError


def _violation(block: Block, depth: int, readers: list[list[Costed]], profile: Profile) -> Violation:
    raise NotImplementedError

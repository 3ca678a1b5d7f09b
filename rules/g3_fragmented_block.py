"""G3: network fragmentation reduces the degree of parallelism."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from mac_audit.profile import Block, Contraction, Costed, Evidence, Profile, Ref, merged
from mac_audit.rule import Measure, NotApplicable, Outcome, Violation, rule

_SHOWN = 3  # groups of layers that a finding lists


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

    Ma et al., ShuffleNet V2, ECCV 2018 (https://arxiv.org/abs/1807.11164), section 3,
    guideline G3 and Table 3. Zoph et al., *Learning Transferable Architectures for Scalable Image Recognition*,
    CVPR 2018, Figure 4, for the cells of NASNet-A.
    """
    structure = profile.structure
    if len(structure.fragments) < 2:
        return NotApplicable("the model has no two convolutions, pools or matrix products")
    costed = {entry.operator.name: entry for entry in profile.operators}
    first = _equal_tensors(profile)
    return Measure(
        value=structure.average_parallelism,
        limit=limit,
        measure="average parallelism: fragments ÷ those on the longest chain",
        violations=tuple(
            _violation(profile, block, _readers(block, costed, first, profile), costed)
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


@dataclass(frozen=True, slots=True)
class _Readers:
    """Layers of a block that read the same tensor, of ``elements`` elements, and could be one wider layer."""

    layers: tuple[str, ...]
    operators: tuple[Costed, ...]
    elements: int
    itemsize: int

    @property
    def spared(self) -> int:
        """Layers, and reads of the tensor, that merging spares."""
        return len(self.layers) - 1

    def describe(self) -> str:
        """``the 3 layers that read the same tensor (2 of 1×1, 1 of 3×3)``."""
        kinds = ", ".join(f"{number} of {kind}" for kind, number in Counter(self.layers).items())
        return f"the {len(self.layers)} layers that read the same tensor ({kinds})"


def _readers(block: Block, costed: dict[str, Costed], first: dict[int, int], profile: Profile) -> list[_Readers]:
    """Those of ``block``, most first. Stride, groups, dilation and direction have to agree, kernel sizes need not."""
    tensors = profile.network.tensors
    alike: dict[tuple[object, ...], list[tuple[Contraction, int, Costed]]] = {}
    for operator in block.fragments:
        entry = costed[operator.name]
        shape = entry.contraction
        read = next((index for index in operator.inputs if not tensors[index].is_weight), None)
        if shape is not None and shape.weighted and read is not None:
            key = (first.get(read, read), shape.positions_out, shape.groups, shape.dilation, shape.transposed)
            alike.setdefault(key, []).append((shape, read, entry))
    found = [
        _Readers(
            tuple(sorted(_kind(shape) for shape, _, _ in layers)),
            tuple(entry for _, _, entry in layers),
            tensors[read].elements,
            tensors[read].itemsize,
        )
        for layers in alike.values()
        for read in [layers[0][1]]
        if len(layers) > 1
    ]
    return sorted(found, key=lambda readers: -readers.spared)


def _kind(shape: Contraction) -> str:
    kernel = "×".join(map(str, shape.kernel)) or "linear"
    return f"depthwise {kernel}" if shape.depthwise else kernel


def _equal_tensors(profile: Profile) -> dict[int, int]:
    """For each tensor that an element-wise function or a view makes of one other, the first that is equal to it."""
    made: dict[tuple[object, ...], int] = {}
    first: dict[int, int] = {}
    for entry in profile.operators:
        operator = entry.operator
        pure = operator.view or (entry.kind == "elementwise" and not operator.mutates)
        if pure and len(operator.inputs) == 1 and len(operator.outputs) == 1:
            (read,), (written,) = operator.inputs, operator.outputs
            literals = tuple(item for item in operator.arguments.items() if not isinstance(item[1], Ref))
            key = (operator.target, literals, first.get(read, read), operator.after)
            first[written] = made.setdefault(key, written)
    return first


def _violation(profile: Profile, block: Block, groups: list[_Readers], costed: dict[str, Costed]) -> Violation:
    fragments = len(block.fragments)
    layer = block.layer
    while layer and not profile.layer[layer].calls:  # a list of modules, which its owner calls
        layer = layer.rpartition(".")[0]
    left = fragments - sum(readers.spared for readers in groups)
    return Violation(
        layer=layer,
        source=(profile.line_to_edit(layer) if layer else None) or block.fragments[0].source,
        message=(
            f"{fragments} operators side by side and in sequence where {block.depth} would be a chain:"
            f" width {block.width}"
        ),
        instead=_instead(block, left, groups),
        value=block.excess / profile.structure.depth,
        avoidable=sum(readers.spared * readers.elements for readers in groups),
        avoidable_bytes=sum(readers.spared * readers.elements * readers.itemsize for readers in groups),
        counterfactual={
            "now": {"fragments": fragments, "depth": block.depth, "width": block.width},
            "instead": {"fragments": block.depth, "depth": block.depth, "width": 1},
            "merged": {"fragments": left, "layers": [list(readers.layers) for readers in groups]},
        },
        now=tuple(entry for readers in groups for entry in readers.operators),
        then=tuple(merged(readers.operators) for readers in groups),
        evidence=_evidence(profile, block, costed),
    )


def _evidence(profile: Profile, block: Block, costed: dict[str, Costed]) -> Evidence | None:
    """The width is that of one layer with the weights of all, as in Table 3, where n fragments have c/√n channels."""
    entries = [costed[operator.name] for operator in block.fragments]
    shapes = [entry.contraction for entry in entries if entry.contraction is not None]
    width = sqrt(sum(shape.c_in * shape.c_out / shape.groups for shape in shapes))
    return profile.cited("G3", entries[0], block.width, width) if shapes else None


def _instead(block: Block, left: int, groups: list[_Readers]) -> str:
    """What to write, in the order in which it is done."""
    if not groups:
        return f"fewer branches, and wider layers in those that stay: {block.depth} in sequence"
    merge = " and ".join(readers.describe() for readers in groups[:_SHOWN])
    left_out = len(groups) - _SHOWN
    more = f" and {left_out} more such group{'s' * (left_out > 1)}" if left_out > 0 else ""
    rest = f"; then fewer branches, for {block.depth} in sequence" if left > block.depth else ""
    return f"one wider layer for {merge}{more}: {len(block.fragments)} → {left} operators{rest}"

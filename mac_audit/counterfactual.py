"""Counterfactuals: operators as they would be if a finding were mended, with the same multiply-adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mac_audit.cost import Contraction, Costed


def reshaped(costed: Costed, shape: Contraction) -> Costed:
    """A contraction as it would be with another geometry: its operands and its work change as the geometry says."""
    old, cost = costed.contraction, costed.cost
    assert old is not None
    bytes_each = cost.mac_bytes / max(cost.mac_elements, 1)
    read = cost.reads_activation + shape.positions_in * shape.c_in - old.positions_in * old.c_in
    written = cost.writes + shape.positions_out * shape.c_out - old.positions_out * old.c_out
    weights = cost.reads_weight + shape.weights - old.weights
    outputs = shape.positions_out * shape.c_out / (old.positions_out * old.c_out)
    changed = replace(
        cost,
        madds=shape.madds,
        other_ops=round(cost.other_ops * outputs),
        reads_activation=read,
        reads_weight=weights,
        writes=written,
        mac_bytes=round(bytes_each * (read + weights + written)),
    )
    kind = shape.convolution if shape.kernel else costed.kind
    return replace(costed, kind=kind, cost=changed, contraction=shape)


def merged(layers: Sequence[Costed]) -> Costed:
    """Contractions of one and the same tensor as a single, wider one that reads it once."""
    first, *others = layers
    assert first.contraction is not None
    total = sum((costed.cost for costed in others), first.cost)
    spared = sum(costed.cost.reads_activation for costed in others)
    bytes_each = total.mac_bytes / max(total.mac_elements, 1)
    cost = replace(
        total,
        reads_activation=total.reads_activation - spared,
        mac_bytes=round(bytes_each * (total.mac_elements - spared)),
        operators=1,
    )
    width = sum(costed.contraction.c_out for costed in layers if costed.contraction is not None)
    return replace(first, cost=cost, contraction=replace(first.contraction, c_out=width))


def joined(costed: Costed, spared: float) -> Costed:
    """An operator that runs in another's kernel, which spares ``spared`` elements of memory access."""
    cost = costed.cost
    share = max(0.0, 1 - spared / max(cost.mac_elements, 1))
    return replace(
        costed,
        cost=replace(
            cost,
            reads_activation=round(cost.reads_activation * share),
            reads_weight=round(cost.reads_weight * share),
            writes=round(cost.writes * share),
            mac_bytes=round(cost.mac_bytes * share),
            operators=0,
        ),
    )

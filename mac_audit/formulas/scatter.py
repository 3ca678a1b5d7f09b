"""Writes into part of a tensor: in place they touch that part alone, else they copy the rest besides.

What is overwritten is not read, what is added to is. Where indices repeat, or a mask lets less through, that cannot be
seen without values; as many writes count as there are indices.
"""

from __future__ import annotations

from math import prod

from mac_audit.cost import Work, formula
from mac_audit.network import Tensor


def _into(self: Tensor, out: Tensor, written: int, accumulate: bool = False, **reads: int) -> Work:
    """``written`` elements of ``self``, in place where ``out`` is the same memory."""
    added = written if accumulate else 0
    if out.storage != self.storage:
        return Work("data-movement", other_ops=added, reads=reads)
    return Work("data-movement", other_ops=added, reads={"self": added, **reads}, writes=written)


@formula("aten.slice_scatter", "aten.select_scatter", "aten.diagonal_scatter", "aten.as_strided_scatter")
def copy_with_part(self: Tensor, src: Tensor) -> Work:
    """A copy of ``self`` in which ``src`` takes the place of a part, which is not read."""
    return Work("data-movement", reads={"self": max(self.elements - src.numel, 0)})


@formula("aten.index_put", "aten._unsafe_index_put", "aten._index_put_impl")
def index_put(self: Tensor, indices: tuple[Tensor | None, ...], values: Tensor, out: Tensor, accumulate: bool) -> Work:
    """Writes ``values``, broadcast, at indices: into a copy of ``self``, or in place into that part alone.

    The part: the broadcast shape of the indices, times the dimensions that are not indexed. A mask counts as long
    as it is, which is the most that it can let through.
    """
    sizes, rest = list(self.shape), 1
    places: list[tuple[int, ...]] = []
    for index in indices:
        if index is None:
            rest *= sizes.pop(0)
        elif index.dtype in ("bool", "uint8"):
            del sizes[: len(index.shape)]  # a mask takes the place of all its dimensions
            places.append((index.numel,))
        else:
            del sizes[0]
            places.append(index.shape)
    written = prod(_broadcast(places)) * rest * prod(sizes)
    return _into(self, out, max(written, values.numel), accumulate)


def _broadcast(shapes: list[tuple[int, ...]]) -> list[int]:
    """The common shape, aligned at the last dimension."""
    length = max(map(len, shapes))
    return [max(s[-i] for s in shapes if len(s) >= i) for i in range(length, 0, -1)]


@formula("aten._unsafe_masked_index_put_accumulate")
def masked_index_put(self: Tensor, values: Tensor, out: Tensor) -> Work:
    """Adds ``values`` at indices where a mask lets them."""
    return _into(self, out, values.numel, accumulate=True)


@formula("aten.scatter")
def scatter(self: Tensor, index: Tensor, out: Tensor, src: Tensor | None = None, reduce: str | None = None) -> Work:
    """Writes one element of ``src``, or one value, for each index."""
    reads = {} if src is None else {"src": min(index.numel, src.elements)}
    return _into(self, out, index.numel, accumulate=reduce is not None, **reads)


@formula("aten.scatter_add", "aten.scatter_reduce")
def scatter_add(self: Tensor, index: Tensor, src: Tensor, out: Tensor) -> Work:
    """Like ``scatter``, onto what is there."""
    return _into(self, out, index.numel, accumulate=True, src=min(index.numel, src.elements))


@formula("aten.index_copy")
def index_copy(self: Tensor, source: Tensor, out: Tensor) -> Work:
    """Writes the rows of ``source`` at indices of rows."""
    return _into(self, out, source.numel)


@formula("aten.index_add", "aten.index_reduce")
def index_add(self: Tensor, source: Tensor, out: Tensor) -> Work:
    """Like ``index_copy``, onto what is there."""
    return _into(self, out, source.numel, accumulate=True)


@formula("aten.index_fill")
def index_fill(self: Tensor, dim: int, index: Tensor, out: Tensor) -> Work:
    """One value for all rows that are named."""
    row = prod(self.shape[:dim]) * prod(self.shape[dim:][1:])
    return _into(self, out, index.numel * row)


@formula("aten.put")
def put(self: Tensor, index: Tensor, out: Tensor, accumulate: bool) -> Work:
    """``scatter`` into ``self`` as if it had one dimension."""
    return _into(self, out, index.numel, accumulate)


@formula("aten.masked_scatter")
def masked_scatter(self: Tensor, source: Tensor, out: Tensor) -> Work:
    """Writes where a mask is set, which is at most as often as ``source`` has elements."""
    written = min(source.numel, self.numel)
    return _into(self, out, written, source=min(written, source.elements))

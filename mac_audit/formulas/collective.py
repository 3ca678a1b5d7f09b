"""Communication between devices, as functional collectives: what this device reads and writes.

What goes over the wire is no memory access and not counted.
"""

from __future__ import annotations

from mac_audit.cost import FREE, Work, formula
from mac_audit.network import Tensor

_MOVES = """
    all_gather_into_tensor all_gather_into_tensor_coalesced all_to_all_single broadcast isend irecv
"""
_ADDS = "all_reduce all_reduce_coalesced reduce_scatter_tensor reduce_scatter_tensor_coalesced"


@formula(*(f"_c10d_functional.{name}" for name in _MOVES.split()))
def moved(ins: tuple[Tensor, ...]) -> Work:
    """Sends or receives."""
    del ins
    return Work("data-movement")


@formula(*(f"_c10d_functional.{name}" for name in _ADDS.split()))
def reduced(ins: tuple[Tensor, ...]) -> Work:
    """One scalar operation for each element that this device has."""
    return Work("reduction", other_ops=sum(tensor.numel for tensor in ins))


@formula("_c10d_functional.wait_tensor")
def waited() -> Work:
    """Waits."""
    return FREE

"""Which activations are in memory at the same time.

An activation is in memory from the operator that writes it to the last one that reads it, or to the end where it is
a result of the model; an input from the start. Tensors of one storage are in memory once: a view takes no more, and
keeps what it views. An operator's operands and results are there together. Operators of one kernel run at the same
time, and what stays within a kernel takes no memory.

Weights are not among them, nor a kernel's workspace. This is what a planner that frees at once needs; Python keeps a
tensor as long as a variable names it.
"""

from __future__ import annotations

from dataclasses import dataclass

from mac_audit.network import Network


@dataclass(frozen=True, slots=True)
class Peak:
    """The moment of the most memory: its bytes, the operator that runs, and the bytes of each tensor that is there.

    ``tensors`` are indices into ``Network.tensors``, one for each storage, largest first.
    """

    memory: int
    operator: str
    tensors: dict[int, int]


def peak(network: Network) -> Peak:
    """The first moment at which activations take the most memory."""
    lives = _lives(network)
    changes: dict[int, int] = {}
    for life in lives:
        changes[life.first] = changes.get(life.first, 0) + life.memory
        changes[life.last + 1] = changes.get(life.last + 1, 0) - life.memory
    now, most, at = 0, 0, 0
    for time in sorted(changes):
        now += changes[time]
        if now > most:
            most, at = now, time
    there = sorted((life for life in lives if life.first <= at <= life.last), key=lambda life: -life.memory)
    return Peak(
        most,
        network.operators[at].name if network.operators else "",
        {life.tensor: life.memory for life in there if life.memory},
    )


@dataclass(frozen=True, slots=True)
class _Life:
    tensor: int  # the largest of its storage
    memory: int
    first: int
    last: int


def _lives(network: Network) -> list[_Life]:
    """One for each storage of activations; times are indices of operators."""
    starts = {operator.name: time for time, operator in enumerate(network.operators)}
    written: dict[int, int] = {network.tensors[index].storage: 0 for index in network.inputs}
    used: dict[int, int] = dict(written)
    largest: dict[int, int] = {}
    for time, operator in enumerate(network.operators):
        now = starts.get(operator.kernel, time)
        for index in operator.outputs:
            written.setdefault(network.tensors[index].storage, now)
        if not operator.view:
            for index in (*operator.inputs, *operator.outputs, *operator.mutates, *operator.after):
                storage = network.tensors[index].storage
                used[storage] = max(now, used.get(storage, 0))
    for index in network.outputs:
        used[network.tensors[index].storage] = max(0, len(network.operators) - 1)
    for index, tensor in enumerate(network.tensors):
        if tensor.storage in written and not tensor.is_weight:
            best = largest.setdefault(tensor.storage, index)
            if _memory(network, index) > _memory(network, best):
                largest[tensor.storage] = index
    return [
        _Life(index, _memory(network, index), written[storage], max(used.get(storage, 0), written[storage]))
        for storage, index in largest.items()
    ]


def _memory(network: Network, index: int) -> int:
    return network.tensors[index].elements * network.tensors[index].itemsize

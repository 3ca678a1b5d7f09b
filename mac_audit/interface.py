"""The widths that data set: channels of an image, classes, a vocabulary. No layer can choose them.

Only a model that starts from data has them at its edges. One that starts from a feature map is part of a larger one,
and the widths at its edges are choices like any other.
"""

from __future__ import annotations

from collections.abc import Mapping

from mac_audit.cost import Costed
from mac_audit.network import Network, Tensor

IMAGE = 4  # the most channels that are taken for those of an image: colour and transparency, or a latent

# Work on one map that leaves its channels what they are; a reduction does where the width is still there after it.
_KEEPS = ("elementwise", "norm", "pool", "data-movement")


def given(costed: Costed, network: Network, by_name: Mapping[str, Costed]) -> tuple[bool, bool]:
    """Whether data set ``c_in`` of a contraction, and ``c_out``: the model reads, or writes, them there.

    A width is followed through whatever multiplies by nothing and has one activation alone: views, copies, norms,
    activation functions, pools.
    """
    shape = costed.contraction
    if shape is None or not starts_from_data(network):
        return False, False
    return _reads_input(costed, shape.c_in, network, by_name), _writes_output(costed, shape.c_out, network, by_name)


def starts_from_data(network: Network) -> bool:
    """Whether all inputs are integers (tokens, masks), tables (N, features) or maps of at most ``IMAGE`` channels."""
    inputs = [network.tensors[index] for index in network.inputs]
    return bool(inputs) and all(map(_is_data, inputs))


def _is_data(tensor: Tensor) -> bool:
    dims = len(tensor.shape)
    return "float" not in tensor.dtype or dims <= 2 or (dims >= 4 and tensor.shape[1] <= IMAGE)


def _reads_input(costed: Costed, width: int, network: Network, by_name: Mapping[str, Costed]) -> bool:
    read = _activation(costed, network)
    while read is not None and read not in network.inputs:
        maker = network.producers.get(read)
        read = _passed(by_name[maker.name], width, network) if maker is not None else None
    return read is not None and "float" in network.tensors[read].dtype


def _writes_output(costed: Costed, width: int, network: Network, by_name: Mapping[str, Costed]) -> bool:
    todo = [*costed.operator.outputs]
    while todo:
        written = todo.pop()
        if written in network.results:
            return True
        for reader in network.readers.get(written, ()):
            if _passed(by_name[reader.name], width, network) == written:
                todo += reader.outputs
    return False


def _passed(costed: Costed, width: int, network: Network) -> int | None:
    """The activation whose width an operator hands on; None where it makes another of it."""
    operator = costed.operator
    kept = operator.view or costed.kind in _KEEPS or any(width in network.tensors[i].shape for i in operator.outputs)
    return _activation(costed, network) if kept and not costed.cost.madds else None


def _activation(costed: Costed, network: Network) -> int | None:
    """The one tensor among the operands that is no weight; None where there are several, or none."""
    read = [index for index in costed.operator.inputs if not network.tensors[index].is_weight]
    return read[0] if len(read) == 1 else None

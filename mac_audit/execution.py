"""How a graph is run: Network → Network.

* ``eager``: every operator is one kernel, the captured graph as it is.
* ``folded``: the form in which a network is deployed, and what the paper counts. A batch norm whose statistics are
  fixed is folded into the convolution or linear layer before it, and results that nobody reads (the indices of a
  max pool, saved statistics) are not written. Dropout and identity leave no operator in eval mode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mac_audit.errors import MacAuditError
from mac_audit.network import Network, Operator, Ref

_BATCH_NORMS = {
    "aten.native_batch_norm",
    "aten._native_batch_norm_legit",
    "aten._native_batch_norm_legit_no_training",
    "aten._batch_norm_no_update",
    "aten.cudnn_batch_norm",
    "aten.miopen_batch_norm",
}
_FOLDS_INTO = {  # the argument that holds the weight, and the one for a bias
    "aten.convolution": ("weight", "bias"),
    "aten.linear": ("weight", "bias"),
    "aten.addmm": ("mat2", "self"),
    "aten.mm": ("mat2", "bias"),
}


def execute(network: Network, execution: str) -> Network:
    """``network`` as it runs under ``execution``, a key of ``EXECUTIONS``."""
    if execution not in EXECUTIONS:
        raise MacAuditError(f"There is no execution model {execution!r}; choose one of {', '.join(EXECUTIONS)}.")
    return EXECUTIONS[execution](network)


def eager(network: Network) -> Network:
    """The captured graph as it is."""
    return network


def folded(network: Network) -> Network:
    """Batch norms folded into what they follow, unread results dropped."""
    return _without_unread_results(_with_folded_norms(network))


def _with_folded_norms(network: Network) -> Network:
    replaced: dict[str, Operator] = {}  # by name
    removed: set[str] = set()
    for norm in network.operators:
        producer = _foldable_producer(norm, network)
        if producer is None:
            continue
        _, bias = _FOLDS_INTO[_base(producer)]
        arguments = dict(producer.arguments)
        if arguments.get(bias) is None:  # folding gives the layer a bias
            arguments[bias] = norm.arguments.get("bias") or norm.arguments["running_mean"]
        replaced[producer.name] = replace(producer, arguments=arguments, outputs=norm.outputs[:1])
        removed.add(norm.name)
    operators = (replaced.get(op.name, op) for op in network.operators if op.name not in removed)
    return replace(network, operators=tuple(operators))


def _foldable_producer(norm: Operator, network: Network) -> Operator | None:
    """The operator into which ``norm`` can be folded: fixed statistics, fixed weights, and no second reader."""
    if _base(norm) not in _BATCH_NORMS or norm.arguments.get("training", False):
        return None
    source = norm.arguments["input"]
    statistics = norm.arguments.get("running_mean")
    if not isinstance(source, Ref) or not isinstance(statistics, Ref):
        return None
    producer = network.producers.get(source.tensor)
    if producer is None or _base(producer) not in _FOLDS_INTO:
        return None
    weight = producer.arguments[_FOLDS_INTO[_base(producer)][0]]
    fixed = isinstance(weight, Ref) and network.tensors[weight.tensor].is_weight
    alone = len(network.readers[source.tensor]) == 1 and source.tensor not in network.outputs
    unread = not any(index in network.readers or index in network.outputs for index in norm.outputs[1:])
    return producer if fixed and alone and unread else None


def _without_unread_results(network: Network) -> Network:
    def is_read(index: int) -> bool:
        return index in network.readers or index in network.outputs

    def trimmed(operator: Operator) -> Operator:
        read = tuple(filter(is_read, operator.outputs))
        return replace(operator, outputs=read) if read and read != operator.outputs else operator

    return replace(network, operators=tuple(map(trimmed, network.operators)))


def _base(operator: Operator) -> str:
    return ".".join(operator.target.split(".")[:2])


EXECUTIONS: dict[str, Callable[[Network], Network]] = {"eager": eager, "folded": folded}

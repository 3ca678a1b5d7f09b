"""How a graph is run: Network → Network.

* ``eager``: every operator is one kernel, the captured graph as it is.
* ``folded``: the form in which a network is deployed, and what the paper counts. A batch norm whose statistics are
  fixed is folded into the convolution or linear layer before it, and results that nobody reads (the indices of a
  max pool, saved statistics) are not written. Dropout and identity leave no operator in eval mode.
* ``fused``: folded, and element-wise operators run in the kernel of what they follow, as a compiler would have it:
  a result that is read in its own kernel alone stays in registers, neither written nor read back.
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


KindOf = Callable[[Operator, Network], str]

_KERNELS = {"conv", "pointwise-conv", "grouped-conv", "depthwise-conv", "matmul", "norm", "pool", "reduction"}


def execute(network: Network, execution: str, kind_of: KindOf) -> Network:
    """``network`` as it runs under ``execution``, a key of ``EXECUTIONS``; ``kind_of`` tells operators' classes."""
    if execution not in EXECUTIONS:
        raise MacAuditError(f"There is no execution model {execution!r}; choose one of {', '.join(EXECUTIONS)}.")
    return EXECUTIONS[execution](network, kind_of)


def eager(network: Network, kind_of: KindOf) -> Network:
    """The captured graph as it is."""
    del kind_of
    return network


def folded(network: Network, kind_of: KindOf) -> Network:
    """Batch norms folded into what they follow, unread results dropped."""
    del kind_of
    return _without_unread_results(_with_folded_norms(network))


def fused(network: Network, kind_of: KindOf) -> Network:
    """Folded, with element-wise operators in the kernels of what they follow."""
    return _with_epilogues(folded(network, kind_of), kind_of)


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


def _with_epilogues(network: Network, kind_of: KindOf) -> Network:
    whole = _whole_views(network)
    first = _starts_of_kernels(network, whole, kind_of)
    readers: dict[int, set[str]] = {}  # the kernels that read a result, through whatever view
    for operator in network.operators:
        if operator.outputs and operator.outputs[0] in whole:
            continue  # looks at another result; what reads the view counts
        for index in operator.inputs:
            readers.setdefault(whole.get(index, index), set()).add(first.get(operator.name, operator.name))
    kept = {whole.get(index, index) for index in network.outputs}
    inside = {
        index
        for operator in network.operators
        for index in operator.outputs
        if index not in whole and index not in kept and readers.get(index) == {first.get(operator.name)}
    }
    tensors = tuple(
        replace(tensor, elements=0) if whole.get(index, index) in inside else tensor
        for index, tensor in enumerate(network.tensors)
    )

    def joined(operator: Operator) -> Operator:
        joins = any(whole.get(index, index) in inside for index in operator.inputs) and not operator.view
        return replace(operator, kernel=first[operator.name]) if joins else operator

    return replace(network, tensors=tensors, operators=tuple(map(joined, network.operators)))


def _whole_views(network: Network) -> dict[int, int]:
    """Tensors that look at all of another one (reshaped, transposed) → that one; parts of it are not here."""
    found: dict[int, int] = {}
    for operator in network.operators:
        if operator.view and len(operator.inputs) == len(operator.outputs) == 1:
            (source,), (result,) = operator.inputs, operator.outputs
            if network.tensors[source].elements == network.tensors[result].numel:
                found[result] = found.get(source, source)
    return found


def _starts_of_kernels(network: Network, whole: dict[int, int], kind_of: KindOf) -> dict[str, str]:
    """The name of each working operator → that of the operator with which its kernel starts.

    An element-wise operator joins the kernel of its latest operand of the same size, if its other operands are
    there before that kernel starts or come from within.
    """
    first: dict[str, str] = {}
    position = {operator.name: place for place, operator in enumerate(network.operators)}
    for operator in network.operators:
        kind = kind_of(operator, network)
        if kind in _KERNELS:
            first[operator.name] = operator.name
        if kind != "elementwise" or not operator.outputs:
            continue
        size = network.tensors[operator.outputs[0]].numel
        first[operator.name] = operator.name
        operands = [whole.get(index, index) for index in operator.inputs]
        producers = {index: made for index in operands if (made := network.producers.get(index)) is not None}
        ahead = [
            first[made.name]
            for index, made in producers.items()
            if made.name in first and network.tensors[index].numel == size
        ]
        if ahead:
            kernel = max(ahead, key=position.__getitem__)
            others = (made.name for made in producers.values() if first.get(made.name) != kernel)
            if all(position[name] < position[kernel] for name in others):
                first[operator.name] = kernel
    return first


def _base(operator: Operator) -> str:
    return ".".join(operator.target.split(".")[:2])


EXECUTIONS: dict[str, Callable[[Network, KindOf], Network]] = {"eager": eager, "folded": folded, "fused": fused}

"""How a graph is run: Network → Network.

* ``eager``: every operator is one kernel, the captured graph as it is.
* ``folded``: the form in which a network is deployed, and what the paper counts. A batch norm whose statistics are
  fixed is folded into the convolution or linear layer before it, a bias that arrives as an addition of its own into
  its product, and results that nobody reads (the indices of a
  max pool, saved statistics) are not written. Dropout and identity leave no operator in eval mode.
* ``fused``: folded, and element-wise operators run in the kernel of what they follow, as a compiler would have it:
  a result that is read in its own kernel alone stays in registers, neither written nor read back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mac_audit.errors import MacAuditError
from mac_audit.fusion import KindOf, whole_views, with_epilogues
from mac_audit.network import Argument, Network, Operator, Ref

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


_PRODUCTS = {"aten.mm", "aten.bmm"}


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
    return _without_unread_results(_with_folded_norms(_with_folded_biases(network)))


def fused(network: Network, kind_of: KindOf) -> Network:
    """Folded, with element-wise operators in the kernels of what they follow."""
    return with_epilogues(folded(network, kind_of), kind_of)


def _with_folded_biases(network: Network) -> Network:
    """A linear layer on a view arrives as a product and an addition of its bias: one layer where it is deployed."""
    whole = whole_views(network)
    biases: dict[str, Ref] = {}  # by the name of the product
    removed: set[str] = set()
    same: dict[int, int] = {}  # the sum, as the result that it is folded into
    for operator in network.operators:
        left, right = operator.arguments.get("self"), operator.arguments.get("other")
        if _base(operator).removesuffix("_") != "aten.add" or operator.arguments.get("alpha") != 1:
            continue
        if not isinstance(left, Ref) or not isinstance(right, Ref):
            continue
        product = network.producers.get(whole.get(left.tensor, left.tensor))
        if product is None or _base(product) not in _PRODUCTS or product.name in biases:
            continue
        bias, result = network.tensors[right.tensor], network.tensors[operator.outputs[0]]
        fits = bias.is_weight and bias.shape == result.shape[-1:] and result.numel == network.tensors[left.tensor].numel
        if fits and _read_once(left.tensor, product.outputs[0], network):
            biases[product.name] = right
            removed.add(operator.name)
            same[operator.outputs[0]] = left.tensor
    if not removed:
        return network

    def rewritten(operator: Operator) -> Operator:
        arguments = {name: _renamed(value, same) for name, value in operator.arguments.items()}
        if operator.name in biases:
            arguments["bias"] = biases[operator.name]
        after = tuple(dict.fromkeys(same.get(index, index) for index in operator.after))
        return replace(operator, arguments=arguments, after=after)

    operators = tuple(rewritten(operator) for operator in network.operators if operator.name not in removed)
    outputs = tuple(same.get(index, index) for index in network.outputs)
    return replace(network, operators=operators, outputs=outputs)


def _read_once(last: int, first: int, network: Network) -> bool:
    """Whether one operator alone reads ``last``, and each result from ``first`` up to it, through views."""
    while True:
        if len(network.readers.get(last, ())) != 1 or last in network.results:
            return False
        if last == first:
            return True
        last = network.producers[last].inputs[0]


def _renamed(value: Argument, same: dict[int, int]) -> Argument:
    if isinstance(value, Ref):
        return Ref(same.get(value.tensor, value.tensor))
    if isinstance(value, tuple):
        return tuple(Ref(same.get(v.tensor, v.tensor)) if isinstance(v, Ref) else v for v in value)
    return value


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
    """The operator into which ``norm`` can be folded: statistics and weights of both fixed, and no second reader."""
    if _base(norm) not in _BATCH_NORMS or norm.arguments.get("training", False):
        return None
    source = norm.arguments["input"]
    statistics = norm.arguments.get("running_mean")
    if not isinstance(source, Ref) or not isinstance(statistics, Ref):
        return None
    producer = network.producers.get(source.tensor)
    if producer is None or _base(producer) not in _FOLDS_INTO:
        return None
    affected = [producer.arguments.get(name) for name in _FOLDS_INTO[_base(producer)]]
    affected += [norm.arguments.get(name) for name in ("weight", "bias", "running_mean", "running_var")]
    fixed = all(network.tensors[each.tensor].is_weight for each in affected if isinstance(each, Ref))
    alone = len(network.readers[source.tensor]) == 1 and source.tensor not in network.results
    unread = not any(index in network.readers or index in network.results for index in norm.outputs[1:])
    return producer if fixed and alone and unread else None


def _without_unread_results(network: Network) -> Network:
    def is_read(index: int) -> bool:
        return index in network.readers or index in network.results

    def trimmed(operator: Operator) -> Operator:
        read = tuple(filter(is_read, operator.outputs))
        return replace(operator, outputs=read) if read and read != operator.outputs else operator

    return replace(network, operators=tuple(map(trimmed, network.operators)))


def _base(operator: Operator) -> str:
    return ".".join(operator.target.split(".")[:2])


EXECUTIONS: dict[str, Callable[[Network, KindOf], Network]] = {"eager": eager, "folded": folded, "fused": fused}

"""Losses that are one kernel. Each takes a few scalar operations an element, the sum over all of them included."""

from __future__ import annotations

from mac_audit.cost import Work, formula, names_of
from mac_audit.network import Tensor

SCALAR_OPERATIONS = {
    3: "mse_loss",  # difference, square, sum
    4: "smooth_l1_loss huber_loss soft_margin_loss multilabel_margin_loss_forward",
    5: "multi_margin_loss",
    7: "binary_cross_entropy",  # two logarithms, 1 - p, 1 - y, two products, sum
    8: "binary_cross_entropy_with_logits",
}


def _register(scalar_operations: int, names: str) -> None:
    @formula(*names_of(names))
    def loss(self: Tensor) -> Work:
        return Work("reduction", other_ops=scalar_operations * self.numel)


for _count, _names in SCALAR_OPERATIONS.items():
    _register(_count, _names)


@formula("aten.nll_loss_forward", "aten.nll_loss2d_forward")
def nll_loss(self: Tensor, target: Tensor) -> Work:
    """Picks the log-probability of each target and adds them up."""
    return Work("reduction", other_ops=target.numel, reads={"self": min(target.numel, self.elements)})


@formula("aten._ctc_loss", "aten._cudnn_ctc_loss", "aten.miopen_ctc_loss")
def ctc_loss(log_probs: Tensor, outs: tuple[Tensor, ...]) -> Work | None:
    """The forward variable of each step and state, (batch, time, states), is the log of a sum of three exponentials.

    Two comparisons, three differences, three exp, two sums, a log and two sums more: 13. A backend that does not
    return the forward variable does not tell how many states there are.
    """
    alpha = outs[1]
    return Work("reduction", other_ops=13 * alpha.numel) if alpha.shape[1] == log_probs.shape[0] else None

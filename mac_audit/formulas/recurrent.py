"""Recurrent layers that a backend runs as one kernel."""

from __future__ import annotations

from mac_audit.cost import Work, formula
from mac_audit.network import Tensor


@formula("aten.mkldnn_rnn_layer")
def mkldnn_rnn_layer(input: Tensor, weight0: Tensor, weight1: Tensor, hidden_size: int) -> Work:
    """One layer in one direction: (time, batch, c_in), gates · hidden rows of input and of hidden weights.

    Each step multiplies the input and the hidden state of each sequence with all weights; eight more scalar
    operations a hidden unit are those of an LSTM cell.
    """
    steps, batch = input.shape[0], input.shape[1]
    return Work("matmul", steps * batch * (weight0.numel + weight1.numel), other_ops=8 * steps * batch * hidden_size)

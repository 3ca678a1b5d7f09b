"""Recurrent layers that a backend runs as one kernel, and cells.

Every weight matrix meets every step of every sequence once: multiply-adds are steps times the elements of all matrices,
which holds for any number of layers, both directions, projections and sequences of different lengths packed into one.

Each cell takes the scalar operations of its definition for each hidden unit, a sigmoid counted as four, and one more
for each bias: see ``CELL_OPS``.
"""

from __future__ import annotations

from mac_audit.cost import Work, formula
from mac_audit.network import Tensor

# lstm: four sums of two products, three sigmoids, two tanh, three products and a sum of states. gru: three sums, two
# sigmoids, a tanh, the product with the reset gate, (h - n)·z + n. rnn: a sum, and ReLU or tanh.
CELL_OPS = {"lstm": 4 + 3 * 4 + 2 + 3 + 1, "gru": 3 + 2 * 4 + 1 + 1 + 3, "rnn": 1 + 1}
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
_MODES = {0: "rnn", 1: "rnn", 2: "lstm", 3: "gru"}  # of cuDNN, MIOpen and oneDNN


def _ran(
    kind: str,
    input: Tensor,
    weights: tuple[Tensor, ...],
    cells: int,
    length: int,
    weight_buf: Tensor | None = None,
) -> Work:
    """``weights`` of all ``cells``, a layer in a direction each, the first cell's matrix for the input first.

    The longest sequence has ``length`` elements. ``weight_buf`` holds the same weights once more, in one piece, and is
    what is read then.
    """
    steps = input.numel // input.shape[-1]
    matrices = sum(weight.numel for weight in weights if len(weight.shape) == 2)
    biases = sum(weight.numel for weight in weights if len(weight.shape) == 1)
    hidden = cells * (weights[0].shape[0] // GATES[kind])
    return Work(
        "matmul",
        steps * matrices,
        other_ops=steps * (hidden * CELL_OPS[kind] + biases),
        reads={"weight": 0} if weight_buf is not None else {},
        steps=length * cells,
    )


@formula("aten.mkldnn_rnn_layer")
def mkldnn_rnn_layer(
    input: Tensor, weight0: Tensor, weight1: Tensor, weight2: Tensor, weight3: Tensor, mode: int, has_biases: bool
) -> Work:
    """One layer in one direction: (time, batch, c_in)."""
    biases = (weight2, weight3) if has_biases else ()
    return _ran(_MODES[mode], input, (weight0, weight1, *biases), cells=1, length=input.shape[0])


@formula("aten._cudnn_rnn", "aten.miopen_rnn")
def cudnn_rnn(
    input: Tensor,
    weight: tuple[Tensor, ...],
    mode: int,
    num_layers: int,
    batch_first: bool,
    bidirectional: bool,
    batch_sizes: tuple[int, ...],
    weight_buf: Tensor | None = None,
) -> Work:
    """All layers and directions; ``batch_sizes`` are those of the steps of packed sequences."""
    length = len(batch_sizes) or input.shape[batch_first]
    return _ran(_MODES[mode], input, weight, num_layers * (1 + bidirectional), length, weight_buf)


def _register(kind: str, *names: str) -> None:
    @formula(*names)
    def layers(
        ins: tuple[Tensor, ...],
        params: tuple[Tensor | None, ...],
        num_layers: int,
        bidirectional: bool,
        batch_first: bool = False,
        batch_sizes: Tensor | None = None,
    ) -> Work | None:
        weights = tuple(weight for weight in params if weight is not None)
        length = batch_sizes.numel if batch_sizes is not None else ins[0].shape[batch_first]
        return _ran(kind, ins[0], weights, num_layers * (1 + bidirectional), length) if weights else None


_register("lstm", "aten.lstm", "aten._lstm_mps", "aten.quantized_lstm")
_register("gru", "aten.gru", "aten.quantized_gru")
_register("rnn", "aten.rnn_tanh", "aten.rnn_relu")


def _cell(kind: str, hidden: Tensor, biases: tuple[Tensor | None, ...]) -> int:
    """Scalar operations of one step, without products with matrices; ``hidden`` is (batch, units)."""
    added = sum(bias.numel for bias in biases if bias is not None)
    return hidden.numel * CELL_OPS[kind] + hidden.shape[0] * added


@formula("aten._thnn_fused_lstm_cell")
def fused_lstm_cell(cx: Tensor, input_bias: Tensor | None = None, hidden_bias: Tensor | None = None) -> Work:
    """What follows the two products of a step."""
    return Work("elementwise", other_ops=_cell("lstm", cx, (input_bias, hidden_bias)))


@formula("aten._thnn_fused_gru_cell")
def fused_gru_cell(hx: Tensor, input_bias: Tensor | None = None, hidden_bias: Tensor | None = None) -> Work:
    """What follows the two products of a step."""
    return Work("elementwise", other_ops=_cell("gru", hx, (input_bias, hidden_bias)))


def _register_cell(kind: str, *names: str) -> None:
    @formula(*names)
    def step(w_ih: Tensor, w_hh: Tensor, out: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None) -> Work:
        madds = out.shape[0] * (w_ih.numel + w_hh.numel)
        return Work("matmul", madds, other_ops=_cell(kind, out, (b_ih, b_hh)))


_register_cell("lstm", "aten.lstm_cell")
_register_cell("gru", "aten.gru_cell")
_register_cell("rnn", "aten.rnn_tanh_cell", "aten.rnn_relu_cell")


def _register_dynamic_cell(kind: str, name: str) -> None:
    @formula(name)
    def step(w_ih: tuple[Tensor, Tensor | None], w_hh: tuple[Tensor, Tensor | None], out: Tensor) -> Work:
        """Weights of 8 bits with their biases; ``b_ih`` and ``b_hh`` hold those once more and are not read."""
        madds = out.shape[0] * (w_ih[0].numel + w_hh[0].numel)
        unread = dict.fromkeys(("b_ih", "b_hh", "bias_ih", "bias_hh"), 0)
        return Work("matmul", madds, other_ops=_cell(kind, out, (w_ih[1], w_hh[1])), reads=unread)


_register_dynamic_cell("lstm", "quantized.quantized_lstm_cell_dynamic")
_register_dynamic_cell("gru", "quantized.quantized_gru_cell_dynamic")
_register_dynamic_cell("rnn", "quantized.quantized_rnn_tanh_cell_dynamic")
_register_dynamic_cell("rnn", "quantized.quantized_rnn_relu_cell_dynamic")

"""Totals: against torch's own counter for whole networks, and the laws that costs obey."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mac_audit import zoo
from mac_audit.capture import capture
from mac_audit.cost import Cost
from mac_audit.load import load
from mac_audit.lower import lower
from mac_audit.profile import Profile


def profile(model: nn.Module, inputs: Any, execution: str = "eager") -> Profile:
    return Profile(lower(capture(model, inputs)), execution)


def torch_madds(model: nn.Module, *inputs: Tensor) -> int:
    """Multiply-adds as torch counts them, a multiplication and an addition apart.

    On meta tensors, where it sees attention too (on a CPU it counts 0 for that), with frozen parameters, without
    which it stops at views of parameters.
    """
    model = model.to("meta").eval().requires_grad_(False)
    with FlopCounterMode(display=False) as counter:
        model(*inputs)
    flops = counter.get_total_flops()
    assert flops % 2 == 0
    return flops // 2


def build(torchvision: ModuleType, name: str) -> nn.Module:
    """A network without memory; RegNet computes with tensors while it is built, which needs real ones."""
    arguments = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    with torch.device("cpu" if name.startswith("regnet") else "meta"):
        model: nn.Module = torchvision.models.get_model(name, weights=None, **arguments)
    return model


def test_torchvision_is_counted_as_torch_counts_it(torchvision: ModuleType, subtests: pytest.Subtests) -> None:
    """Every classification network."""
    names = torchvision.models.list_models(module=torchvision.models)
    assert len(names) >= 80
    for name in names:
        with subtests.test(name):
            counted_as_torch_counts(torchvision, name)


def counted_as_torch_counts(torchvision: ModuleType, name: str) -> None:
    model = build(torchvision, name)
    side = 299 if name == "inception_v3" else 224
    image = torch.empty(1, 3, side, side, device="meta")
    expected = torch_madds(model, image)
    found = profile(model, image)
    assert found.total.madds == expected
    assert found.coverage["unknown"] == ()
    assert found.params == sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("name", zoo.models())
def test_every_operator_of_the_zoo_is_known(name: str) -> None:
    """Its multiply-adds are compared with torch's, and with the papers', in test_zoo.py."""
    loaded = load(f"zoo:{name}")
    network = lower(capture(loaded.model, loaded.inputs))
    eager, folded = Profile(network, "eager"), Profile(network, "folded")
    assert eager.coverage["unknown"] == folded.coverage["unknown"] == ()
    assert folded.total.madds == eager.total.madds
    assert folded.total.mac_elements <= eager.total.mac_elements
    assert folded.total.mac_bytes <= eager.total.mac_bytes
    assert folded.total.other_ops <= eager.total.other_ops
    assert folded.params == eager.params


@pytest.mark.parametrize(
    ("build_model", "shapes"),
    [
        (lambda: nn.Transformer(16, 4, 2, 2, 32, batch_first=True), [(2, 5, 16), (2, 3, 16)]),
        (lambda: nn.TransformerEncoderLayer(16, 4, 32), [(5, 2, 16)]),
        (lambda: nn.LSTM(4, 6, num_layers=2, bidirectional=True), [(3, 2, 4)]),
        (lambda: nn.GRU(4, 6, batch_first=True), [(2, 3, 4)]),
    ],
    ids=["Transformer", "TransformerEncoderLayer", "LSTM", "GRU"],
)
def test_layers_against_torch(build_model: Callable[[], nn.Module], shapes: list[tuple[int, ...]]) -> None:
    inputs = tuple(torch.empty(shape, device="meta") for shape in shapes)
    found = profile(build_model(), inputs)
    assert found.coverage["unknown"] == ()
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # one operator an encoder layer, which torch does not count
    try:
        assert found.total.madds == torch_madds(build_model(), *inputs)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


# --- modules and parameters ----------------------------------------------------------------------------------------


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.linear(x))


def test_module_called_twice_costs_twice() -> None:
    x = torch.empty(5, 8, device="meta")
    once, twice = profile(nn.Linear(8, 8), x), profile(Twice(), x)
    assert once.total == Cost(
        madds=5 * 8 * 8,
        other_ops=5 * 8,  # the bias
        reads_activation=5 * 8,
        reads_weight=8 * 8 + 8,
        writes=5 * 8,
        mac_bytes=4 * (5 * 8 + 8 * 8 + 8 + 5 * 8),
        operators=1,
    )
    assert twice.total == once.total + once.total
    assert twice.params == 8 * 8 + 8
    assert twice.layer["linear"].calls == 2


def test_module_under_two_names_counts_once() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(8, 8, bias=False)
            self.second = self.first

        def forward(self, x: Tensor) -> Tensor:
            return self.second(self.first(x))

    found = profile(Shared(), torch.empty(5, 8, device="meta"))
    assert found.params == 64
    assert found.total.madds == 2 * 5 * 64


def test_tied_weights_count_once() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(100, 8)
            self.head = nn.Linear(8, 100, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, tokens: Tensor) -> Tensor:
            return self.head(self.embedding(tokens))

    found = profile(Tied(), torch.zeros(2, 3, dtype=torch.int64))
    assert found.params == 800
    assert found.total.madds == 2 * 3 * 8 * 100
    assert found.total.reads_weight == 2 * 3 * 8 + 800  # rows touched by the embedding, the table by the head
    by_path = {row.layer.path: row for row in found.layers}
    assert by_path["embedding"].params == by_path["head"].params == by_path[""].params == 800


def test_parameters_that_are_not_read_count_as_parameters_alone() -> None:
    class Half(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x)

    found = profile(Half(), torch.empty(1, 4, device="meta"))
    assert found.params == 2 * 20
    assert found.total.reads_weight == 20


def test_recurrent_weights_are_parameters() -> None:
    """nn.LSTM reads them from a list of its own."""
    found = profile(nn.LSTM(4, 6), torch.empty(3, 2, 4, device="meta"))
    expected = 4 * 6 * (4 + 6 + 1 + 1)  # four gates; input, hidden state and two biases
    assert found.params == expected
    assert found.total.reads_weight == expected
    weights = [tensor for tensor in found.network.tensors if tensor.is_weight]
    assert {tensor.role for tensor in weights} == {"parameter"}


# --- unknown operators ---------------------------------------------------------------------------------------------


def test_unknown_operator_is_named() -> None:
    @torch.library.custom_op("mac_audit_test_cost::mystery", mutates_args=())
    def mystery(x: Tensor, weight: Tensor) -> Tensor:
        return x @ weight

    @mystery.register_fake
    def _(x: Tensor, weight: Tensor) -> Tensor:
        return x.new_empty(x.shape[0], weight.shape[1])

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(8, 4, bias=False)
            self.weight = nn.Parameter(torch.zeros(4, 3))

        def forward(self, x: Tensor) -> Tensor:
            return mystery(self.linear(x), self.weight)

    found = profile(Model(), torch.empty(5, 8, device="meta"))
    (unknown,) = found.coverage["unknown"]
    assert unknown.operator.target == "mac_audit_test_cost.mystery.default"
    assert unknown.kind == "other"
    assert unknown.cost == Cost(
        reads_activation=5 * 4, reads_weight=4 * 3, writes=5 * 3, mac_bytes=4 * (20 + 12 + 15), operators=1, unknown=1
    )
    assert found.total.madds == 5 * 8 * 4  # the linear layer's: a lower bound


# --- laws ----------------------------------------------------------------------------------------------------------


class Mixed(nn.Module):
    """Something of each kind; ``names`` are those of its layers."""

    def __init__(self, width: int, names: tuple[str, ...]) -> None:
        super().__init__()
        layers = (
            nn.Conv2d(3, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.Conv2d(width, width, 3, groups=width),
            nn.Linear(width, 5),
        )
        self.names = names
        for name, layer in zip(names, layers, strict=True):
            setattr(self, name, layer)

    def forward(self, x: Tensor) -> Tensor:
        conv, norm, depthwise, head = (getattr(self, name) for name in self.names)
        x = norm(conv(x)).relu_()
        x = torch.cat((x, x.flip(2)), dim=2)
        x = nn.functional.max_pool2d(depthwise(x), 2)
        return head(x.mean((2, 3)) * 0.5).softmax(-1)


NAMES = ("conv", "norm", "depthwise", "head")
few = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def mixed(width: int, batch: int, side: int, execution: str, names: tuple[str, ...] = NAMES) -> Profile:
    return profile(Mixed(width, names), torch.empty(batch, 3, side, side, device="meta"), execution)


@few
@given(
    width=st.integers(1, 9),
    batch=st.integers(2, 9),
    side=st.integers(5, 17),
    execution=st.sampled_from(["eager", "folded"]),
)
def test_batch_scales_activations_and_not_weights(width: int, batch: int, side: int, execution: str) -> None:
    one, many = (mixed(width, size, side, execution) for size in (1, batch))
    for single, multiple in zip(one.operators, many.operators, strict=True):
        assert multiple.cost == Cost(
            madds=batch * single.cost.madds,
            other_ops=batch * single.cost.other_ops,
            reads_activation=batch * single.cost.reads_activation,
            reads_weight=single.cost.reads_weight,
            writes=batch * single.cost.writes,
            mac_bytes=multiple.cost.mac_bytes,
            operators=single.cost.operators,
        )
        growth = multiple.cost.mac_bytes - single.cost.mac_bytes
        assert growth * batch == (batch - 1) * (multiple.cost.mac_bytes - _weight_bytes(multiple.cost))


def _weight_bytes(cost: Cost) -> int:
    return 4 * cost.reads_weight  # all weights are float32 here


@few
@given(names=st.lists(st.from_regex(r"layer_[a-z]{1,6}", fullmatch=True), min_size=4, max_size=4, unique=True))
def test_names_change_no_number(names: list[str]) -> None:
    before, after = mixed(4, 2, 9, "folded"), mixed(4, 2, 9, "folded", tuple(names))
    assert [costed.cost for costed in after.operators] == [costed.cost for costed in before.operators]
    assert after.classes == before.classes
    assert after.params == before.params


def added(costs: Any) -> Cost:
    return sum(costs, Cost())


@few
@given(width=st.integers(1, 6), batch=st.integers(1, 3), execution=st.sampled_from(["eager", "folded"]))
def test_parts_add_up(width: int, batch: int, execution: str) -> None:
    found = mixed(width, batch, 9, execution)
    assert found.total.mac_elements > 0
    assert added(costed.cost for costed in found.operators) == found.total
    assert added(found.classes.values()) == found.total
    assert added(row.own for row in found.layers) == found.total
    assert found.layers[0].total == found.total
    assert found.layers[0].params == found.params == sum(row.own_params for row in found.layers)


@pytest.mark.parametrize("name", ["nasnet_a_mobile", "shufflenet_v2_x1_0", "densenet121"])
def test_parts_of_a_network_add_up(name: str) -> None:
    loaded = load(f"zoo:{name}")
    found = profile(loaded.model, loaded.inputs, "folded")
    assert added(found.classes.values()) == added(row.own for row in found.layers) == found.total
    assert added(costed.cost for costed in found.operators) == found.layers[0].total == found.total
    for row in found.layers:  # each layer: its own and that of the layers right inside it
        depth, prefix = row.depth + 1, f"{row.layer.path}." if row.layer.path else ""
        inside = [r for r in found.layers if r.layer.path.startswith(prefix) and r.depth == depth and r is not row]
        assert row.own + added(r.total for r in inside) == row.total


def test_half_precision_halves_the_bytes() -> None:
    model, image = Mixed(4, NAMES), torch.empty(2, 3, 9, 9, device="meta")
    single = profile(model, image)
    half = profile(model.half(), image.half())
    indices = 2 * 4 * (16 // 2) * (7 // 2)  # of the max pool, int64 in both
    assert half.total.mac_elements == single.total.mac_elements
    assert half.total.mac_bytes - 8 * indices == (single.total.mac_bytes - 8 * indices) / 2

"""The ladder of capture: which step it takes, that each gives the model's own output, and what it says of it."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mac_audit import audit
from mac_audit._torch import FakeTensorMode, fake_twin
from mac_audit.capture import capture, record
from mac_audit.errors import MacAuditError
from mac_audit.inputs import Inputs
from mac_audit.load import load


class Function(nn.Module):
    """A model whose forward is ``function(self, *args)``."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function
        self.linear = nn.Linear(4, 4).requires_grad_(False)
        self.register_buffer("table", torch.tensor([3, 1, 2]))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.plain = torch.tensor([5, 7])

    def forward(self, *args: Any) -> Any:
        return self.function(self, *args)


def steps(function: Callable[..., Any], *inputs: Tensor) -> tuple[str, str]:
    """The method of the capture; its graph gives what the model gives, run twice."""
    model = Function(function).eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    graph = capture(model, inputs)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    with torch.no_grad():
        for _ in range(2):
            model.load_state_dict(before)
            expected = tree_leaves(model(*inputs))
            model.load_state_dict(before)
            found = tree_leaves(fx.Interpreter(graph).run(*inputs))
            assert len(found) == len(expected)
            assert all(map(torch.equal, map(torch.as_tensor, found), map(torch.as_tensor, expected)))
    how = graph.meta["how"]
    assert ("fallback" in how) == (how["method"] != "fake tensors")
    return how["method"], how.get("fallback", "")


FAKE, VALUES, REAL = "fake tensors", "fake tensors, small values computed", "real tensors"
X = torch.linspace(-1, 1, 12).view(3, 4)
IDS = torch.tensor([4, 0, 9, 0])


def count_of_ids(self: Function, x: Tensor, ids: Tensor) -> Tensor:
    return self.linear(x)[: int((ids > 0).sum())]


def places_of_ids(self: Function, x: Tensor, ids: Tensor) -> Tensor:
    return self.linear(x) + ids.nonzero().shape[0]


def edited_range(self: Function, x: Tensor) -> Tensor:
    """Values follow writes, also through a view."""
    steps = torch.arange(6)
    steps.view(2, 3)[1] = 7
    steps += 1
    return self.linear(x) * steps.sum().item()


def table_of_lengths(self: Function, x: Tensor) -> list[Tensor]:
    return list(self.linear(x).unsqueeze(0).repeat(1, 2, 1).split(self.table.tolist(), dim=1))


def plain_attribute(self: Function, x: Tensor) -> Tensor:
    return self.linear(x) + (self.plain * 2).max().item()


def literal_of_tensors(self: Function, x: Tensor, ids: Tensor) -> Tensor:
    counts = torch.tensor([[ids.max() - 4, (ids > 0).sum()], [0, ids[0]]])
    return self.linear(x) + counts[:, : int(counts[0, 1])].sum()


def overwritten_by_activations(self: Function, x: Tensor) -> Tensor:
    """What an activation was written into is not known any more, nor are its views."""
    noted = torch.zeros(3)
    first = noted[:2]
    noted.copy_(self.linear(x).sum(1))
    return x * (2 if first.sum() > 0 else 3)


def overwritten_as_result(self: Function, x: Tensor) -> Tensor:
    """So is what was named as the place for a result."""
    noted = torch.zeros(3)
    torch.sum(self.linear(x), 1, out=noted)
    return x * (2 if noted.sum() != 0 else 3)


def overwritten_attribute(self: Function, x: Tensor) -> Tensor:
    """So is a tensor that is no buffer."""
    self.plain.copy_(self.linear(x)[0, :2] + 20)
    return x * (2 if self.plain.sum() != 12 else 3)


def activation(self: Function, x: Tensor) -> Tensor:
    y = self.linear(x)
    return y[y > 0] if y.abs().max() > 0 else y


def through_numpy(self: Function, x: Tensor) -> Tensor:
    return self.linear(x) + float(self.linear(x).numpy().sum() > 0)


def counting(self: Function, x: Tensor) -> Tensor:
    self.count += 1
    return self.linear(x) * self.count if self.linear(x).sum() != 0 else x


@pytest.mark.parametrize(
    ("function", "inputs", "method"),
    [
        (lambda self, x: self.linear(x), (X,), FAKE),
        (lambda self, x: self.linear(x) * torch.tensor([2, 3]).sum(), (X,), FAKE),
        (count_of_ids, (X, IDS), VALUES),
        (places_of_ids, (X, IDS), VALUES),
        (edited_range, (X,), VALUES),
        (table_of_lengths, (X,), VALUES),
        (plain_attribute, (X,), VALUES),
        (literal_of_tensors, (X, IDS), VALUES),
        (overwritten_by_activations, (X,), REAL),
        (overwritten_as_result, (X,), REAL),
        (overwritten_attribute, (X,), REAL),
        (activation, (X,), REAL),
        (through_numpy, (X,), REAL),
        (counting, (X,), REAL),
    ],
)
def test_first_step_that_does_is_taken_and_named(
    function: Callable[..., Any], inputs: tuple[Tensor, ...], method: str
) -> None:
    taken, fallback = steps(function, *inputs)
    assert taken == method
    assert (f"not on {FAKE}" in fallback) == (method != FAKE)
    assert (VALUES in fallback) == (method == REAL)
    assert ("test_steps.py:" in fallback) == (method != FAKE)


def test_inputs_without_data_are_supposed_and_that_is_said() -> None:
    ids = torch.empty(5, dtype=torch.int64, device="meta")
    recording = record(Function(count_of_ids), (torch.empty(7, 4, device="meta"), ids))
    assert recording.meta["how"]["assumed"] == "integer inputs without data taken as 1"
    result = next(node for node in reversed(recording.graph.nodes) if node.op == "call_function")
    assert tuple(result.meta["val"].shape) == (5, 4)  # five ids of 1 are five positive ones


def test_random_numbers_are_not_known() -> None:
    def drawn(self: Function, x: Tensor) -> Tensor:
        return x * 2 if torch.rand(()) < 0.5 else x

    with pytest.raises(MacAuditError, match="tensor values"):
        capture(Function(drawn), X, way="values")
    assert record(Function(drawn), X).meta["how"]["method"] == REAL


@pytest.mark.parametrize(("way", "refused"), [("fake", True), ("values", False), ("real", False)])
def test_a_way_can_be_forced(way: Any, refused: bool) -> None:
    model = Function(count_of_ids)
    if refused:
        with pytest.raises(MacAuditError, match=r"tensor values .* at .*test_steps\.py:\d+"):
            capture(model, (X, IDS), way=way)
    else:
        how = capture(model, (X, IDS), way=way).meta["how"]
        assert how["method"] == {"values": VALUES, "real": REAL}[way]
        assert "fallback" not in how


def test_unknown_way_is_told() -> None:
    with pytest.raises(MacAuditError, match="choose one of auto, fake, values, real"):
        capture(Function(activation), X, way="vale")  # type: ignore[arg-type]


def test_a_mistake_is_told_as_it_is_in_eager_mode() -> None:
    """The sentence is that of real tensors, not of the fake ones that failed first."""
    with pytest.raises(MacAuditError, match=r"shapes cannot be multiplied \(3x4 and 3x4\)"):
        capture(Function(lambda self, x: x @ x), X)


def test_real_tensors_are_not_tried_where_weights_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        import_module("mac_audit.capture"), "_memory", lambda: 100.0
    )  # bytes; the linear layer alone has 80
    with pytest.raises(MacAuditError, match=r"tensor values .* more than half of this machine's memory"):
        capture(Function(activation), X)


def test_leaving_the_program_is_not_tried_again() -> None:
    calls: list[int] = []

    def leaving(self: Function, x: Tensor) -> Tensor:
        calls.append(1)
        raise SystemExit(3)

    with pytest.raises(MacAuditError, match="ended the program"):
        capture(Function(leaving), X)
    assert len(calls) == 1


# --- what is remembered of fake tensors is what torch's own mode says -----------------------------------------------


class Plain(TorchDispatchMode):
    """Notes what FakeTensorMode makes of each operator, with nothing in between."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.namespace != "prim":
            self.seen.append((func, [t for t in tree_leaves((args, kwargs or {})) if isinstance(t, Tensor)], result))
        return result


def looks(tensors: list[Any]) -> list[Any]:
    return [look(tuple(t.shape), t.stride(), t.dtype) for t in tensors if isinstance(t, Tensor)]


def look(shape: tuple[int, ...], stride: tuple[int, ...], dtype: torch.dtype) -> Any:
    """The stride of a single element says nothing."""
    return shape, [step for size, step in zip(shape, stride, strict=True) if size != 1], dtype


def plain_run(model: nn.Module, inputs: Inputs) -> list[Any]:
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    state = {name: fake_twin(mode, tensor) for name, tensor in model.eval().state_dict().items()}
    args = tuple(fake_twin(mode, tensor) for tensor in inputs.args)
    with torch.no_grad(), mode, Plain() as plain:
        torch.func.functional_call(model, state, args)
    return [
        (
            func,
            looks(tree_leaves(result)),
            [
                r.untyped_storage()._cdata in {t.untyped_storage()._cdata for t in read}
                for r in tree_leaves(result)
                if isinstance(r, Tensor)
            ],
        )
        for func, read, result in plain.seen
    ]


@pytest.mark.parametrize("name", ["shufflenet_v2_x0_5", "nasnet_a_mobile", "densenet121"])
def test_zoo_is_seen_as_torch_sees_it(name: str) -> None:
    assert_seen_alike(f"zoo:{name}")


@pytest.mark.parametrize("name", ["swin_t", "vit_b_16", "maxvit_t"])
def test_torchvision_is_seen_as_torch_sees_it(name: str, torchvision: ModuleType) -> None:
    del torchvision
    assert_seen_alike(f"torchvision:{name}")


LIFTED = {torch.ops.aten.lift_fresh_copy.default: torch.ops.aten.lift_fresh.default}  # so that the graph runs twice


def assert_seen_alike(target: str) -> None:
    """The same operators with the same shapes, strides, dtypes, and sharing memory with what they read."""
    loaded = load(target)
    for parameter in loaded.model.parameters():
        parameter.requires_grad_(False)
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        expected = plain_run(loaded.model, loaded.inputs)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    found = []
    for node in record(loaded.model, loaded.inputs, "fake").graph.nodes:
        if node.op != "call_function" or not isinstance(node.target, torch._ops.OpOverload):
            continue
        read = {spec.storage for n in node.all_input_nodes for spec in specs(n.meta["spec"])}
        results = specs(node.meta["spec"])
        found.append(
            (
                LIFTED.get(node.target, node.target),
                [look(spec.shape, spec.stride, spec.dtype) for spec in results],
                [spec.storage in read for spec in results],
            )
        )
    assert len(found) == len(expected) > 100
    for one, other in itertools.zip_longest(found, expected):
        assert one == other


def specs(spec: Any) -> list[Any]:
    if spec is None:
        return []
    return [spec] if hasattr(spec, "storage") else [inner for item in spec for inner in specs(item)]


# --- what torch's fake tensors refuse and real ones take ------------------------------------------------------------


@pytest.mark.parametrize("way", ["fake", "values", "real"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_layer_converted_in_forward(dtype: torch.dtype, way: Any) -> None:
    def converted(self: Function, x: Tensor) -> Tensor:
        self.linear = self.linear.to(dtype)
        return self.linear(x.to(dtype))

    model = Function(converted)
    graph = capture(model, X, way=way)
    assert model.linear.weight.dtype == torch.float32
    found = [fx.Interpreter(graph).run(X) for _ in range(2)]
    assert all(torch.equal(model(X), result) for result in found)


ROWS, GROUPS, ENDS = torch.randn(6, 8), torch.randn(3, 8, 16), torch.tensor([1, 4, 6], dtype=torch.int32)


@pytest.mark.parametrize(
    "operands",
    [(ROWS, GROUPS, ENDS), (torch.randn(3, 6, 8), GROUPS), (torch.randn(3, 6, 8), torch.randn(8, 16), ENDS + 10)],
    ids=["rows in groups", "batches", "columns in groups"],
)
def test_grouped_product_in_single_precision(operands: tuple[Tensor, ...]) -> None:
    def product(self: Function, left: Tensor, right: Tensor, offs: Tensor | None = None) -> Tensor:
        return F.grouped_mm(left, right, offs=offs)

    model = Function(product)
    graph = capture(model, operands)
    assert graph.meta["how"]["method"] == FAKE
    node = next(node for node in graph.graph.nodes if node.op == "call_function")
    expected = model(*operands)
    assert tuple(node.meta["val"].shape) == expected.shape
    assert torch.equal(fx.Interpreter(graph).run(*operands), expected)


def test_members_that_share_memory_share_it_in_the_capture() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(6, 4), requires_grad=False)
            self.register_buffer("rows", self.weight.data[2:5])

        def forward(self, x: Tensor) -> Tensor:
            return x @ self.weight.t() + (x @ self.rows.t()).sum()

    recording = record(Shared(), X)
    storages = {n.target: n.meta["spec"].storage for n in recording.graph.nodes if n.op == "get_attr"}
    assert storages["weight"] == storages["rows"]
    assert {n.target: n.meta["spec"].shape for n in recording.graph.nodes if n.op == "get_attr"}["rows"] == (3, 4)


class Ring(nn.Module):
    """Writes a buffer through a view of it, and goes on by what the buffer then holds."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.zeros(4, 3))
        self.register_buffer("row", self.table[2])
        self.linear = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.row.add_(1)
        for _ in range(int(self.table.sum().item())):
            x = self.linear(x)
        return x


@pytest.mark.parametrize("way", ["values", "real"])
def test_what_is_written_through_a_view_is_seen_in_the_whole(way: Any) -> None:
    model, x = Ring(), torch.randn(2, 3)
    expected = copy.deepcopy(model)(x)
    graph = capture(model, x, way=way)
    assert not model.table.any()
    assert sum("addmm" in str(node.target) for node in graph.graph.nodes) == 3  # a row of three ones was added
    assert torch.equal(fx.Interpreter(graph).run(x), expected)


def test_literals_keep_their_values_whatever_was_said_before() -> None:
    """The same operators on the same shapes, with activations, with literals, and with a literal written to."""

    def mixed(self: Function, x: Tensor) -> Tensor:
        one, two = torch.tensor(1.0), torch.tensor(2.0)
        for left in (x[0, 0], one, x[0, 1], two):
            total = left + one
        assert (one + two).item() == 3.0
        return total * (two + two).item()

    model = Function(mixed)
    for _ in range(2):
        assert capture(model, X, way="fake").meta["how"]["method"] == FAKE

    def written(self: Function, x: Tensor) -> Tensor:
        for one in (torch.tensor(1.0), torch.tensor(1.0)):
            one.fill_(x[0, 0])  # a literal no more
        return x * one.item()

    for _ in range(2):
        with pytest.raises(MacAuditError, match="tensor values"):
            capture(Function(written), X, way="fake")

    def written_after_it_was_read(self: Function, x: Tensor) -> Tensor:
        one = torch.tensor(1.0)
        x = x * one
        one.fill_(x[0, 0])
        return x * one.view(1)

    def read(self: Function, x: Tensor) -> Tensor:
        return x * torch.tensor(1.0).view(1).item()

    for function in (written_after_it_was_read, read):
        capture(Function(function), X, way="fake")


def test_views_that_see_other_elements_are_seen_again_as_at_first() -> None:
    def reinterpreted(self: Function, x: Tensor) -> list[Tensor]:
        bits, pairs = x.view(torch.int32), torch.view_as_complex(x.view(3, 2, 2))
        return [bits, pairs, torch.view_as_real(pairs), pairs.conj().imag + 1]

    for _ in range(2):
        graph = capture(Function(lambda self, x: reinterpreted(self, x) + reinterpreted(self, x)), X, way="fake")
        (results,) = graph.graph.find_nodes(op="output")[0].args
        expected = reinterpreted(Function(reinterpreted), X)
        assert [node.meta["spec"].dtype for node in results] == [tensor.dtype for tensor in 2 * expected]


@pytest.mark.parametrize("way", ["fake", "values", "real"])
def test_a_tensor_given_other_data_is_what_it_got(way: Any) -> None:
    """``x.data = y`` is no operator; it may change the shape, in the same memory or in other."""

    def narrowed(self: Function, x: Tensor) -> tuple[Tensor, ...]:
        before, y = self.linear(x), x * 2
        rows = self.linear.weight.data[:3]
        y.t().sum(), rows.t().sum()
        self.linear.weight.data, self.linear.bias = rows, None
        y.data = torch.cat([y, y])
        return before, self.linear(x), y * 3

    model = Function(narrowed)
    graph = capture(model, X, way=way)
    (nodes,) = graph.graph.find_nodes(op="output")[0].args
    found = fx.Interpreter(graph).run(X)
    expected = model(X)
    assert [node.meta["spec"].shape for node in nodes] == [tensor.shape for tensor in expected]
    assert all(map(torch.equal, found, expected))


def test_values_of_a_tensor_given_other_data_are_not_known() -> None:
    def exchanged(self: Function, x: Tensor) -> Tensor:
        noted = torch.zeros(4)
        noted.data = self.linear(x)[0]
        return x * (2 if noted.sum() != 0 else 3)

    assert steps(exchanged, X)[0] == REAL


def test_state_of_torch_is_as_before() -> None:
    def careless(self: Function, x: Tensor) -> Tensor:
        torch.manual_seed(1)
        torch.set_default_dtype(torch.float64)
        return self.linear(x) + torch.rand(()).to(x.dtype) * (0 if x.sum() > 1e9 else 1)

    model = Function(careless)
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    assert capture(model, X).meta["how"]["method"] == VALUES
    assert torch.get_default_dtype() == torch.float32
    assert torch.equal(torch.rand(3), expected)


def test_shape_function_of_a_custom_operator_is_asked_each_time() -> None:
    """It may look at more than its arguments."""
    rows = [2]
    library = torch.library.Library("of_test_steps", "DEF")
    library.define("some_rows(Tensor x) -> Tensor")
    library.impl("some_rows", lambda x: x.new_zeros(rows[0], x.shape[1]), "CPU")
    library.impl("some_rows", lambda x: x.new_empty(rows[0], x.shape[1]), "Meta")
    model = Function(lambda self, x: torch.ops.of_test_steps.some_rows(x))
    for number in (2, 5):
        rows[0] = number
        node = next(node for node in capture(model, X, way="fake").graph.nodes if node.op == "call_function")
        assert node.meta["spec"].shape == (number, 4)


def test_what_is_computed_outside_of_torch_makes_the_totals_lower_bounds() -> None:
    """A product in numpy has no operator; the line where values leave is named. Data may be arrays."""

    def product(self: Function, x: Tensor) -> Tensor:
        return torch.from_numpy(self.linear(x).numpy() @ x.numpy()) + 1

    def table(self: Function, x: Tensor) -> Tensor:
        return x + torch.from_numpy(self.plain.numpy())[0] if x.sum() < 99 else x

    original, image = Tensor.numpy, torch.ones(4, 4)
    report = audit(Function(product), image)
    assert report.capture["outside"].startswith("values leave torch through Tensor.numpy at ")
    assert "tests/test_steps.py:" in report.capture["outside"]
    assert f"{report.capture['outside']}." in report.notes  # which every format tells
    assert report.totals.lower_bound
    inside = audit(Function(table), image)
    assert "outside" not in inside.capture
    assert not inside.totals.lower_bound
    assert Tensor.numpy is original

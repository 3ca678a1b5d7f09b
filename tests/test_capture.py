"""The captured graph runs and gives what the model gives; the model is as it was; errors name the line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.utils._python_dispatch import TorchDispatchMode

from mac_audit import zoo
from mac_audit.capture import capture
from mac_audit.errors import MacAuditError
from mac_audit.inputs import Inputs
from mac_audit.lower import lower

HERE = Path(__file__).resolve()


@pytest.fixture(autouse=True)
def _reference() -> Iterator[None]:
    """Eager PyTorch as the reference: without gradients, and without the fused path of nn.MultiheadAttention.

    The capture switches that path off (it is one opaque operator), and its sums round otherwise.
    """
    before, threads = torch.backends.mha.get_fastpath_enabled(), torch.get_num_threads()
    torch.set_num_threads(1)
    torch.backends.mha.set_fastpath_enabled(False)
    torch.manual_seed(0)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
        torch.set_num_threads(threads)


def assert_same(expected: Any, found: Any) -> None:
    """Bit for bit, in the same containers (fx has immutable ones of its own for dict and list)."""
    if isinstance(expected, Tensor):
        assert expected.dtype == found.dtype
        assert torch.equal(expected, found)
    elif isinstance(expected, dict):
        assert isinstance(found, dict)
        assert list(found) == list(expected)
        assert_same(list(expected.values()), list(found.values()))
    elif isinstance(expected, tuple | list):
        assert isinstance(found, tuple if isinstance(expected, tuple) else list)
        assert len(found) == len(expected)
        for one, other in zip(expected, found, strict=True):
            assert_same(one, other)
    else:
        assert found == expected


def frozen(model: nn.Module) -> nn.Module:
    """``model`` with parameters that ask for no gradients.

    A linear layer runs as other operators on a view, and rounds otherwise, where its weight does; that difference
    has a test of its own, ``test_same_operators_as_in_eager_mode``.
    """
    return model.requires_grad_(False)


def assert_runs_like(model: nn.Module, inputs: Any, plain: Callable[[Any], Any] = lambda result: result) -> None:
    """The graph, run twice, gives what ``model`` gives; ``plain`` turns that into plain containers."""
    model.eval()
    given = Inputs.of(inputs)
    graph = capture(model, inputs)
    graph.graph.lint()
    expected = plain(model(*given.args, **given.kwargs))
    for _ in range(2):
        assert_same(expected, fx.Interpreter(graph).run(*given.tensors))


class Function(nn.Module):
    """A model whose forward is ``function(self, *args)``."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function
        self.linear = nn.Linear(4, 4)
        self.register_buffer("buffer", torch.randn(4))
        self.plain = torch.randn(4)
        self.listed = [torch.randn(4)]

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(self, *args, **kwargs)


# --- whole networks ------------------------------------------------------------------------------------------------


def filled(factory: Callable[..., nn.Module]) -> nn.Module:
    """The model with a wave in every parameter: random initialisation of the largest takes seconds."""
    with torch.device("meta"):
        model = factory()
    model.to_empty(device="cpu")
    wave = torch.sin(torch.arange(1_000_003.0)) / 10
    for name, tensor in model.state_dict().items():
        repeats = -(-tensor.numel() // wave.numel())
        values = wave.repeat(repeats)[: tensor.numel()].view(tensor.shape)
        tensor.copy_(values + 1 if "var" in name else values)
    return model.eval()


@pytest.mark.parametrize("name", zoo.models())
def test_zoo_graph_runs(name: str) -> None:
    model = filled(zoo.models()[name])
    side = 96 if name == "inception_v3" else 32  # smaller ones shrink to nothing
    image = torch.randn(1, 3, side, side)
    expected = model(image)
    assert expected.isfinite().all()
    assert_same(expected, fx.Interpreter(capture(model, image)).run(image))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("resnet18", {}),
        ("mobilenet_v3_small", {}),
        ("shufflenet_v2_x0_5", {}),
        ("efficientnet_b0", {}),
        ("regnet_y_400mf", {}),
        ("convnext_tiny", {}),
        ("swin_t", {}),
        ("swin_v2_t", {}),
        ("googlenet", {"init_weights": False}),  # has auxiliary heads, which eval mode leaves out
        ("squeezenet1_0", {}),
        ("mnasnet0_5", {}),
    ],
)
def test_torchvision_graph_runs(torchvision: ModuleType, name: str, arguments: dict[str, Any]) -> None:
    model = torchvision.models.get_model(name, weights=None, **arguments)
    assert_runs_like(model, torch.randn(1, 3, 32, 32))


def test_densenet_graph_runs(torchvision: ModuleType) -> None:
    """Its layers take lists of tensors."""
    model = torchvision.models.DenseNet(growth_rate=4, block_config=(2, 2), num_init_features=8)
    assert_runs_like(model, torch.randn(1, 3, 32, 32))


def test_vision_transformer_graph_runs(torchvision: ModuleType) -> None:
    model = torchvision.models.VisionTransformer(
        image_size=32, patch_size=8, num_layers=2, num_heads=4, hidden_dim=32, mlp_dim=64
    )
    assert_runs_like(model, torch.randn(2, 3, 32, 32))


def test_maxvit_graph_runs(torchvision: ModuleType) -> None:
    model = torchvision.models.MaxVit(
        input_size=(32, 32),
        stem_channels=8,
        partition_size=2,
        block_channels=[8, 16],
        block_layers=[1, 1],
        head_dim=8,
        stochastic_depth_prob=0.2,
    )
    assert_runs_like(model, torch.randn(1, 3, 32, 32))


def test_segmentation_graph_runs(torchvision: ModuleType) -> None:
    """Its result is an OrderedDict."""
    model = torchvision.models.get_model("lraspp_mobilenet_v3_large", weights=None, weights_backbone=None)
    assert_runs_like(model, torch.randn(1, 3, 64, 64), plain=dict)


def test_transformer_graph_runs() -> None:
    model = frozen(nn.Transformer(16, 2, 1, 2, 32, batch_first=True))
    source, target = torch.randn(2, 5, 16), torch.randn(2, 3, 16)
    assert_runs_like(model, (source, target))
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    assert_runs_like(model, {"src": source, "tgt": target, "tgt_mask": mask, "tgt_is_causal": True})


def test_transformer_with_an_undeclared_causal_mask_graph_runs() -> None:
    model = frozen(nn.Transformer(16, 2, 1, 1, 32, batch_first=True))
    source, target = torch.randn(2, 5, 16), torch.randn(2, 3, 16)
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    assert_runs_like(model, {"src": source, "tgt": target, "tgt_mask": mask})


@pytest.mark.parametrize("norm_first", [False, True])
def test_transformer_encoder_graph_runs(norm_first: bool) -> None:
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=norm_first, activation="gelu")
    model = frozen(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False))
    tokens = torch.randn(2, 5, 16)
    padding = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    assert_runs_like(model, tokens)
    assert_runs_like(model, {"src": tokens, "src_key_padding_mask": padding})


@pytest.mark.parametrize("need_weights", [False, True])
def test_multihead_attention_graph_runs(need_weights: bool) -> None:
    model = frozen(nn.MultiheadAttention(16, 4, batch_first=True, kdim=8, vdim=12))
    query, key, value = torch.randn(2, 3, 16), torch.randn(2, 5, 8), torch.randn(2, 5, 12)
    assert_runs_like(model, {"query": query, "key": key, "value": value, "need_weights": need_weights})


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_recurrent_graph_runs(kind: type[nn.RNNBase], bidirectional: bool) -> None:
    model = frozen(kind(4, 6, num_layers=2, batch_first=True, bidirectional=bidirectional, dropout=0.3))
    assert_runs_like(model, torch.randn(2, 3, 4))


@pytest.mark.parametrize("kind", [nn.LSTMCell, nn.GRUCell])
def test_recurrent_cell_graph_runs(kind: type[nn.RNNCellBase]) -> None:
    assert_runs_like(kind(4, 6), torch.randn(2, 4))


class Dispatched(TorchDispatchMode):
    """The names of the operators that really run."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def operators_of(model: nn.Module, x: Tensor) -> tuple[list[str], list[str]]:
    """Operators in eager mode, and in the graph; detach does nothing, fx takes tuples apart with getitem."""
    with Dispatched() as real:
        model.eval()(x)
    graph = capture(model, x).graph
    captured = [str(node.target) for node in graph.nodes if isinstance(node.target, torch._ops.OpOverload)]
    ignored = {"aten.detach.default"}
    return [name for name in real.names if name not in ignored], [name for name in captured if name not in ignored]


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2)), (2, 3, 8, 8)),
        (nn.Sequential(nn.Linear(4, 4), nn.Dropout(), nn.LayerNorm(4), nn.GELU()), (2, 3, 4)),
        (nn.LSTM(4, 6), (3, 2, 4)),
        pytest.param(
            nn.GRU(4, 6, batch_first=True),
            (2, 3, 4),
        ),
    ],
    ids=["convolution", "linear", "lstm", "linear-on-a-view"],
)
def test_same_operators_as_in_eager_mode(model: nn.Module, shape: tuple[int, ...]) -> None:
    real, captured = operators_of(model, torch.randn(shape))
    assert captured == real


# --- what a forward can do -----------------------------------------------------------------------------------------


def written_slices(self: nn.Module, x: Tensor) -> Tensor:
    y = torch.zeros(2, 4)
    y[:, 1:3] = x[:, :2]
    y[0] += 1
    y[:, -1].mul_(3)
    return y


def written_indices(self: nn.Module, x: Tensor) -> Tensor:
    y = x.clone()
    y[torch.tensor([1, 0]), torch.tensor([2, 3])] = 7.0
    y.index_add_(0, torch.tensor([1]), x[:1])
    y.scatter_(1, torch.tensor([[0], [1]]), -1.0)
    return y


def mutated_through_view(self: nn.Module, x: Tensor) -> Tensor:
    y = x * 1
    view = y.view(-1)
    view[0] = 5
    first = y + 0
    y.add_(1)
    return first + view.view(2, 4)


def mutated_literal(self: nn.Module, x: Tensor) -> Tensor:
    literal = torch.tensor([1.0, 2.0, 3.0, 4.0])
    literal.add_(1)
    literal[0] = 9
    return x + literal


def mutated_input(self: nn.Module, x: Tensor) -> Tensor:
    y = x.clone()
    y.relu_()
    return y.add_(y)


def reshaped_in_place(self: nn.Module, x: Tensor) -> Tensor:
    y = x.clone()
    y.unsqueeze_(0).squeeze_(0).t_()
    return y + 1


def views(self: nn.Module, x: Tensor) -> Tensor:
    y = x.view(4, 2).t().unsqueeze(0).expand(3, 2, 4).transpose(1, 2).flip(0)
    first, second = y.chunk(2, dim=1)
    a, b = torch.stack((first, second)).unbind()
    return (a @ b.transpose(1, 2)).reshape(-1).as_strided((2, 3), (1, 2))


def nested(self: nn.Module, x: Tensor) -> Any:
    return {"a": x, "b": (x + 1, [x * 2, None]), "c": 3, "d": {"e": x.sum()}}


def of_detached(self: Any, x: Tensor) -> Tensor:
    return F.linear(x.data, self.linear.weight.data, self.linear.bias.detach())


FORWARDS: list[Callable[..., Any]] = [
    written_slices,
    written_indices,
    mutated_through_view,
    mutated_literal,
    mutated_input,
    reshaped_in_place,
    views,
    nested,
    of_detached,
]


@pytest.mark.parametrize("function", FORWARDS, ids=lambda function: function.__name__)
def test_forward_graph_runs(function: Callable[..., Any]) -> None:
    assert_runs_like(Function(function), torch.randn(2, 4))


@pytest.mark.parametrize(
    "function",
    [
        lambda self, x: x + torch.tensor([1.0, 2, 3, 4]) * torch.tensor(2.0),
        lambda self, x: x + self.plain + self.listed[0] + self.buffer,
        lambda self, x: x,
        lambda self, x: self.linear.weight,
        lambda self, x: (x, x),
        lambda self, x: self.linear(self.linear(x)),
        lambda self, x: torch.topk(x, 2),
        lambda self, x: x.split(1),
        lambda self, x: [row * 2 for row in x],
        lambda self, x: x.masked_fill(x > x.amin(-1, keepdim=True), float("-inf")).softmax(-1),
        lambda self, x: torch.where(x > 0, x, torch.full_like(x, 2)),
        lambda self, x: torch.arange(x.shape[0])[:, None] + x,
        lambda self, x: torch.einsum("bi,ci->bc", x, x),
        lambda self, x: F.interpolate(x[None, None], scale_factor=2.0, mode="bilinear"),
        lambda self, x: F.layer_norm(x, (4,)),
        lambda self, x: F.unfold(x[None, None], 2),
        lambda self, x: torch.utils.checkpoint.checkpoint(lambda y: self.linear(y).relu(), x, use_reentrant=False),
        lambda self, x: torch.add(x, 1, out=torch.empty(2, 4)),
        lambda self, x: x.half().float(),
    ],
)
def test_expression_graph_runs(function: Callable[..., Any]) -> None:
    model = Function(function)
    x = torch.randn(2, 4)
    graph = capture(model, x)
    expected = model(x)
    for _ in range(2):
        assert_same(expected, fx.Interpreter(graph).run(x))


def test_autocast_graph_runs() -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.linear(x)

    assert_runs_like(Function(forward), torch.randn(2, 4))


def test_graph_draws_from_the_generator_of_the_model() -> None:
    generator = torch.Generator()
    model = Function(lambda self, x: x + torch.rand(2, 4, generator=generator))
    x = torch.randn(2, 4)
    graph = capture(model, x)
    generator.manual_seed(1)
    expected = model(x)
    generator.manual_seed(1)
    assert_same(expected, fx.Interpreter(graph).run(x))
    assert lower(graph).to_json() == lower(capture(model, x)).to_json()  # without its address


def test_multiple_inputs_in_order() -> None:
    model = Function(lambda self, a, pair, *, c, scale: a - pair[0] * pair[1] + c * scale)
    a, b, c, d = torch.randn(4, 2, 4)
    assert_runs_like(model, Inputs((a, (b, c)), {"c": d, "scale": 3}))


def test_one_tensor_given_twice() -> None:
    """Two arguments are two placeholders, also where the example is one tensor."""
    x, y = torch.randn(2, 2, 4)
    graph = capture(Function(lambda self, a, b: a - b), (x, x))
    assert_same(x - y, fx.Interpreter(graph).run(x, y))


@dataclass
class Result:
    logits: Tensor
    hidden: tuple[Tensor, ...]


class Named(NamedTuple):
    first: Tensor
    second: Tensor


def test_dataclass_output() -> None:
    model = Function(lambda self, x: Result(x * 2, (x, x + 1)))
    assert_runs_like(model, torch.randn(2, 4), plain=lambda result: {"logits": result.logits, "hidden": result.hidden})


def test_named_tuple_output() -> None:
    assert_runs_like(Function(lambda self, x: Named(x * 2, x)), torch.randn(2, 4))


def test_parametrised_weights() -> None:
    model = nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)), nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4))
    )
    assert_runs_like(model, torch.randn(2, 4))


def test_tied_weights() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(10, 4)
            self.head = nn.Linear(4, 10, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, tokens: Tensor) -> Tensor:
            return self.head(self.embedding(tokens))

    assert_runs_like(Tied(), torch.randint(0, 10, (2, 3)))


def test_batch_norm_in_train_mode_is_captured_in_eval_mode() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5)).train()
    model(torch.randn(4, 3, 8, 8))  # moves the running statistics off their defaults
    image = torch.randn(1, 3, 8, 8)
    graph = capture(model, image)
    assert model.training
    assert all(module.training for module in model.modules())
    assert_same(model.eval()(image), fx.Interpreter(graph).run(image))


def test_data_in_inputs_makes_no_difference() -> None:
    """Example inputs without data give the same graph."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    image = torch.randn(1, 3, 8, 8)
    without = capture(model, torch.empty(1, 3, 8, 8, device="meta"))
    assert str(without.graph) == str(capture(model, image).graph)
    assert_same(model(image), fx.Interpreter(without).run(image))


# --- the model afterwards ------------------------------------------------------------------------------------------


def test_model_is_unchanged() -> None:
    class Busy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)
            self.norm = nn.BatchNorm2d(4).eval()
            self.register_buffer("calls", torch.zeros(()))
            self.total = 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            self.total = self.total + 1
            self.seen = x
            self.conv.last = x
            return self.norm(self.conv(x))

    model = Busy().train()
    model.norm.eval()
    seen: list[str] = []
    model.conv.register_forward_hook(lambda module, args, result: seen.append("hook"))
    image = torch.randn(1, 3, 8, 8)
    state = {key: (id(tensor), tensor.clone()) for key, tensor in model.state_dict(keep_vars=True).items()}
    attributes = {path: dict(vars(module)) for path, module in model.named_modules()}
    flags = {path: module.training for path, module in model.named_modules()}
    gradients = [parameter.requires_grad for parameter in model.parameters()]
    call, init = nn.Module.__call__, nn.Module.__init__

    capture(model, image)

    assert seen == ["hook"]
    assert nn.Module.__call__ is call
    assert nn.Module.__init__ is init
    after = model.state_dict(keep_vars=True)
    assert list(after) == list(state)
    for key, (identity, value) in state.items():
        assert id(after[key]) == identity
        assert torch.equal(after[key], value)
    assert {path: module.training for path, module in model.named_modules()} == flags
    assert [parameter.requires_grad for parameter in model.parameters()] == gradients
    for path, module in model.named_modules():
        assert vars(module).keys() == attributes[path].keys()
        assert all(vars(module)[key] is value for key, value in attributes[path].items())
    assert not hasattr(model, "seen")
    assert not hasattr(model.conv, "last")
    assert model.total == 0
    assert model(image).shape == (1, 4, 6, 6)


def test_recurrent_model_is_unchanged() -> None:
    """nn.LSTM keeps its weights in a list of its own besides."""
    model = nn.LSTM(4, 6).eval()
    x = torch.randn(3, 2, 4)
    expected, flat = model(x), [id(weight) for weight in model._flat_weights]
    capture(model, x)
    assert [id(weight) for weight in model._flat_weights] == flat
    assert_same(expected, model(x))


@pytest.mark.parametrize("way", ["fake", "values", "real"])
def test_attribute_written_in_forward_is_as_before(way: Any) -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.seen = torch.zeros(4)  # no buffer

        def forward(self, x: Tensor) -> Tensor:
            self.seen += x.sum(0)
            return x * self.seen

    model = Counting()
    seen = model.seen
    capture(model, torch.ones(2, 4), way=way)
    assert model.seen is seen
    assert torch.equal(seen, torch.zeros(4))


def test_model_is_unchanged_after_an_error() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(5, 4)).train()
    parameters, call = list(model.parameters()), nn.Module.__call__
    with pytest.raises(MacAuditError):
        capture(model, torch.randn(2, 4))
    assert all(one is other for one, other in zip(model.parameters(), parameters, strict=True))
    assert model.training
    assert model[0].training
    assert nn.Module.__call__ is call
    assert torch.backends.mha.get_fastpath_enabled() is False  # as the reference set it


def test_fast_path_setting_is_given_back() -> None:
    torch.backends.mha.set_fastpath_enabled(True)
    capture(nn.Linear(4, 4), torch.randn(2, 4))
    assert torch.backends.mha.get_fastpath_enabled() is True


def test_random_state_is_unchanged() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout())
    state = torch.get_rng_state()
    capture(model, torch.randn(2, 4, generator=torch.Generator().manual_seed(1)))
    assert torch.equal(torch.get_rng_state(), state)


def test_module_added_in_forward_is_gone() -> None:
    class Lazy(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if not hasattr(self, "late"):
                self.late = nn.Linear(x.shape[-1], 2)
            return self.late(x)

    model = Lazy()
    capture(model, torch.randn(2, 4))
    assert not hasattr(model, "late")


def test_list_filled_in_forward_is_as_before() -> None:
    class Recording(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features: list[Tensor] = []

        def forward(self, x: Tensor) -> Tensor:
            self.features.append(x)
            return x * 2

    model = Recording()
    capture(model, torch.randn(2, 4))
    assert model.features == []


# --- memory --------------------------------------------------------------------------------------------------------

CAPTURES_20_GB = """
import resource, sys
import torch
from torch import nn
from mac_audit.capture import capture

unit = 1 if sys.platform == "darwin" else 1024
capture(nn.Linear(8, 8), torch.empty(1, 8, device="meta"))
with torch.device("meta"):
    model = nn.Sequential(*(nn.Linear(16384, 16384) for _ in range(20)))
assert sum(parameter.nbytes for parameter in model.parameters()) > 20e9
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
graph = capture(model, torch.empty(4096, 16384, device="meta"))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
assert len(graph.graph.nodes) > 60
assert all(parameter.device.type == "meta" for parameter in model.parameters())
print(after - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no resource module")
def test_no_memory_for_weights_and_activations() -> None:
    """20 GB of weights, 0.25 GB for each activation: neither is ever there."""
    done = subprocess.run([sys.executable, "-c", CAPTURES_20_GB], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 50e6


# --- errors --------------------------------------------------------------------------------------------------------


class Raises(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise KeyError("the key")  # raises


class Item(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        scale = x.max().item()  # item
        return x * scale


class Branch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if x.sum() > 0:  # branch
            return x
        return -x


class Mask(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[x > 0]  # mask


class WrongShape(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 3), nn.Linear(5, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)  # shape


class WrongFunction(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return self.combined(x)

    def combined(self, x: Tensor) -> Tensor:
        return x @ x  # function


@pytest.mark.parametrize(
    ("model", "comment", "text"),
    [
        (Raises, "raises", "the key"),
        (Item, "item", "tensor values"),
        (Branch, "branch", "tensor values"),
        (Mask, "mask", "tensor values"),
        (WrongShape, "shape", "RuntimeError"),
        (WrongFunction, "function", "RuntimeError"),
    ],
)
def test_error_names_the_line(model: type[nn.Module], comment: str, text: str) -> None:
    lines = HERE.read_text(encoding="utf-8").splitlines()
    line = next(number for number, content in enumerate(lines, 1) if content.endswith(f"  # {comment}"))
    with pytest.raises(MacAuditError) as caught:
        capture(model(), torch.randn(2, 4), way="fake")
    assert f"{HERE.name}:{line}" in str(caught.value)
    assert text in str(caught.value)
    assert model.__name__ in str(caught.value)


def test_missing_argument_is_told() -> None:
    with pytest.raises(MacAuditError, match="missing 1 required positional argument"):
        capture(nn.Bilinear(4, 4, 4), torch.randn(2, 4))


def test_lazy_module_is_told() -> None:
    with pytest.raises(MacAuditError):
        capture(nn.LazyLinear(3), torch.randn(2, 4))


@pytest.mark.parametrize("way", ["auto", "real"])
def test_layer_on_another_thread_is_told(way: Any) -> None:
    """A dispatch mode sees the operators of its own thread alone: the rest would count as nothing."""

    class Threaded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            with ThreadPoolExecutor(1) as pool, torch.no_grad():
                return pool.submit(self.linear, x).result()

    with pytest.raises(MacAuditError, match="runs the layer linear on another thread"):
        capture(Threaded(), torch.randn(2, 4), way=way)


@pytest.mark.parametrize(
    ("function", "x"),
    [(lambda self, x: x * 2, torch.eye(3).to_sparse()), (lambda self, x: x.to_sparse() @ x, torch.eye(3))],
    ids=["given", "made"],
)
def test_sparse_tensor_is_told(function: Callable[..., Any], x: Tensor) -> None:
    with pytest.raises(MacAuditError, match=r"layout sparse_coo .* dense tensors"):
        capture(Function(function), x)

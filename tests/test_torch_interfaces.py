"""What torch does not promise to keep: one test for each such interface, which says which one moved, and how.

``mac_audit/_torch.py`` holds them all; nothing else in the package touches a private name of torch.
"""

from __future__ import annotations

import ast
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

import mac_audit
from mac_audit import _torch as private

PACKAGE = Path(mac_audit.__file__).parent
RULES = PACKAGE.parent / "rules"
FILES = [path for path in (*sorted(PACKAGE.rglob("*.py")), *sorted(RULES.glob("*.py"))) if path.name != "_torch.py"]
# Private names of others than torch: of Python itself, and of transformers, whose models have no public way in.
OTHERS = {"_exit", "_getframe", "_model_mapping", "_from_config"}


def private_names(tree: ast.AST) -> list[str]:
    """Private modules of torch that are imported, and private attributes of what is not the module's own."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute) and not ast.unparse(node.value).startswith("torch.ops."):
            own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls", "private")
            names = [] if own or node.attr in OTHERS else [f"torch.{node.attr}"]
        else:
            continue
        parts = [name.split(".") for name in names]
        found += [".".join(p) for p in parts if p[0] == "torch" and any(n[0] == "_" and n[:2] != "__" for n in p)]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE.parent)))
def test_only_one_module_touches_what_is_private(path: Path) -> None:
    own = {"_comments"}
    assert set(private_names(ast.parse(path.read_text(encoding="utf-8")))) <= own


def test_private_names_are_found() -> None:
    program = "import torch._dynamo\nfrom torch._C import x\nmodule._parameters\nself._own\ntorch.ops.aten._softmax\n"
    assert private_names(ast.parse(program)) == ["torch._dynamo", "torch._C.x", "torch._parameters"]


def test_everything_that_is_offered_is_tested_here() -> None:
    """A new interface comes with its test: its name stands in one of those below."""
    tested = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in private.__all__ if f"private.{name}" not in tested] == []


@pytest.fixture
def mode() -> FakeTensorMode:
    return private.FakeTensorMode(allow_non_fake_inputs=True)


# --- fake tensors ----------------------------------------------------------------------------------------------------


def test_fake_tensors_have_a_mode_a_device_and_a_constant(mode: FakeTensorMode) -> None:
    fake = private.fake_tensor(mode, torch.device("cpu"))
    assert isinstance(fake, private.FakeTensor)
    assert fake.fake_mode is mode
    assert fake.fake_device == torch.device("cpu")
    assert fake.constant is None
    assert fake.numel() == 0


def test_a_twin_is_like_its_tensor_and_on_the_cpu_where_that_is_meta(mode: FakeTensorMode) -> None:
    for tensor in (torch.ones(2, 3), torch.empty(2, 3, device="meta")):
        twin = private.fake_twin(mode, tensor)
        assert isinstance(twin, FakeTensor)
        assert (tuple(twin.shape), twin.device) == ((2, 3), torch.device("cpu"))


def test_a_fake_made_without_the_constructor_is_what_the_constructor_makes(mode: FakeTensorMode) -> None:
    elements = torch.empty(2, 3, device="meta")
    made = private.fake_like(private.fake_tensor(mode, torch.device("cpu")), elements)
    usual = FakeTensor(mode, elements, torch.device("cpu"))
    assert vars(made).keys() == vars(usual).keys()
    assert (made.device, made.shape, made.stride(), made.dtype) == (
        usual.device,
        usual.shape,
        usual.stride(),
        usual.dtype,
    )
    assert type(made + 1) is FakeTensor


def test_a_view_looks_at_the_memory_of_its_base(mode: FakeTensorMode) -> None:
    base = private.fake_like(private.fake_tensor(mode, torch.device("cpu")), torch.empty(4, 6, device="meta"))
    view = private.fake_view(base, (2, 3), (6, 1), 7)
    assert private.storage_key(view) == private.storage_key(base)
    assert (tuple(view.shape), view.stride(), view.storage_offset()) == ((2, 3), (6, 1), 7)


def test_a_fake_can_count_as_a_parameter(mode: FakeTensorMode) -> None:
    fake = private.fake_tensor(mode, torch.device("cpu"))
    assert not isinstance(fake, nn.Parameter)
    private.as_parameter(fake)
    assert isinstance(fake, nn.Parameter)


@pytest.mark.parametrize(
    ("error", "ask"),
    [
        (private.DataDependentOutputException, lambda fake: fake.sum().item()),
        (private.DynamicOutputShapeException, lambda fake: fake.nonzero()),
    ],
)
def test_what_needs_values_raises_its_own_error(mode: FakeTensorMode, error: Any, ask: Any) -> None:
    fake = private.fake_twin(mode, torch.ones(2, 3))
    with mode, pytest.raises(error):
        ask(fake)


def test_an_operator_without_a_shape_function_raises_its_own_error(mode: FakeTensorMode) -> None:
    library = torch.library.Library("mac_audit_tests", "DEF")
    library.define("shapeless(Tensor x) -> Tensor")
    library.impl("shapeless", lambda x: x.clone(), "CPU")
    fake = private.fake_twin(mode, torch.ones(2))
    with mode, pytest.raises(private.UnsupportedOperatorException):
        torch.ops.mac_audit_tests.shapeless(fake)


def test_the_log_of_fake_tensors_can_be_silenced() -> None:
    level = private.log.level
    with private.log_silenced():
        assert not private.log.isEnabledFor(logging.ERROR)
    assert private.log.level == level


# --- dispatch --------------------------------------------------------------------------------------------------------


def test_a_mode_sees_every_operator_of_aten() -> None:
    seen = []

    class Seeing(private.OperatorMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(func)
            return func(*args, **(kwargs or {}))

    with Seeing():
        nn.functional.relu(torch.ones(2))
    assert seen[-1] is torch.ops.aten.relu.default
    assert all(isinstance(function, private.OpOverload) for function in seen)


def test_an_operator_that_takes_functions_is_taken_apart() -> None:
    assert private.OperatorMode.supports_higher_order_operators
    assert private.OperatorMode._should_skip_dynamo() is False
    assert callable(private.taken_apart(torch.ops.higher_order.cond))


def test_a_composite_operator_is_taken_apart_and_a_plain_one_is_not() -> None:
    assert private.taken_apart(torch.ops.aten.matmul.default) is not None
    assert private.taken_apart(torch.ops.aten.mm.default) is None


def test_a_schema_tells_names_defaults_and_what_is_written() -> None:
    schema = private.schema(torch.ops.aten.add_.Tensor)
    assert [(a.name, a.default_value, a.is_out) for a in schema.arguments] == [
        ("self", None, False),
        ("other", None, False),
        ("alpha", 1, False),
    ]
    assert [a.alias_info is not None and a.alias_info.is_write for a in schema.arguments] == [True, False, False]
    assert [result.alias_info.is_write for result in schema.returns] == [True]


def test_a_literal_enters_through_a_lift() -> None:
    assert private.is_lift(torch.ops.aten.lift_fresh.default)
    assert not private.is_lift(torch.ops.aten.relu.default)


def test_the_device_of_a_fake_tensor_is_answered(mode: FakeTensorMode) -> None:
    fake = private.fake_tensor(mode, torch.device("cpu"))
    assert private.answer(torch.ops.prim.device.default, (fake,)) == torch.device("cpu")


# --- modules ---------------------------------------------------------------------------------------------------------


def test_a_module_is_called_through_its_class() -> None:
    assert private.module_call is nn.Module.__call__


def test_a_module_has_tables_of_its_own_members() -> None:
    norm = nn.BatchNorm2d(3)
    assert set(private.parameters_of(norm)) == {"weight", "bias"}
    assert set(private.buffers_of(norm)) == {"running_mean", "running_var", "num_batches_tracked"}
    private.parameters_of(norm)["weight"] = other = nn.Parameter(torch.zeros(3))
    assert norm.weight is other


def test_a_fake_parameter_can_be_converted(mode: FakeTensorMode) -> None:
    layer = nn.Linear(2, 2)
    private.parameters_of(layer)["weight"] = nn.Parameter(private.fake_twin(mode, layer.weight))
    before = torch.utils.swap_tensors
    with private.conversions_by_data():
        layer.to(torch.float64)
    assert layer.weight.dtype == torch.float64
    assert torch.utils.swap_tensors is before


def test_what_a_quantised_layer_packed_is_unpacked() -> None:
    if "fbgemm" not in torch.backends.quantized.supported_engines:
        pytest.skip("this build of torch has no quantised layers")
    packed = torch.ops.quantized.linear_prepack(torch.quantize_per_tensor(torch.ones(3, 2), 0.1, 0, torch.qint8), None)
    weight, bias = private.packed_tensors(packed)
    assert weight is not None
    assert tuple(weight.shape) == (3, 2)
    assert bias is None


# --- memory ----------------------------------------------------------------------------------------------------------


def test_memory_has_a_number_of_its_own_while_it_is_held() -> None:
    tensor = torch.ones(4)
    assert private.storage_key(tensor) == private.storage_key(tensor[1:])
    assert private.storage_key(tensor) != private.storage_key(tensor.clone())
    held, key = private.storage_reference(tensor), private.storage_key(tensor)
    del tensor
    assert key not in {private.storage_key(torch.ones(4)) for _ in range(10)}
    del held


def test_a_weak_reference_finds_its_tensor() -> None:
    tensor = torch.ones(2)
    reference = private.TensorWeakRef(tensor)
    assert reference() is tensor
    del tensor
    assert reference() is None


def test_a_machine_without_an_accelerator_says_so() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has an accelerator")
    with pytest.raises((RuntimeError, AssertionError)) as caught:
        torch.ones(1, device="cuda")
    assert private.wants_accelerator(caught.value)


@pytest.mark.skipif(not private.compiles_cpp(), reason="torch.compile needs a C++ compiler")
def test_torch_compile_says_what_it_joins() -> None:
    """An activation goes into the call that convolves; a second convolution is a call of its own."""

    def kernels(*modules: nn.Module) -> private.Kernels:
        model, image = nn.Sequential(*modules).eval(), torch.randn(1, 8, 6, 6)
        with torch.no_grad():
            run, made = private.compiled(model, [image])
            torch.testing.assert_close(run(image), model(image))
        return made

    conv = nn.Conv2d(8, 8, 1)
    alone = kernels(conv)
    assert private.joins(alone, kernels(conv, nn.ReLU()))
    assert not private.joins(alone, kernels(conv, nn.Conv2d(8, 4, 1)))


@pytest.mark.skipif(not private.compiles_cpp(), reason="torch.compile needs a C++ compiler")
def test_torch_compile_goes_on_after_eight_networks_of_one_class() -> None:
    """Its limit of recompilations counts by code; beyond it, torch says so in its log and compiles nothing."""
    with torch.no_grad():
        for width in range(1, torch._dynamo.config.recompile_limit + 3):
            model = nn.Sequential(nn.Conv2d(width, 8, 1), nn.ReLU()).eval()
            _, made = private.compiled(model, [torch.randn(1, width, 6, 6)])
            assert made.nodes > 0, width


@pytest.mark.parametrize(
    ("before", "after", "joined"),
    [((1, 0), (2, 1), False), ((1, 1), (2, 2), False), ((1, 1), (2, 1), True), ((1, 1), (1, 1), True)],
)
def test_what_gets_a_kernel_of_its_own_joined_none(
    before: tuple[int, int], after: tuple[int, int], joined: bool
) -> None:
    """Nodes of the compiler's graph and kernels that it wrote, of a producer alone and with what reads it."""
    assert private.joins(private.Kernels(*before), private.Kernels(*after)) is joined

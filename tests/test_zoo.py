"""Every network of the zoo against its paper, and against torchvision where that has it too."""

from __future__ import annotations

import sys
import tomllib
from decimal import Decimal
from functools import cache
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mac_audit import zoo
from mac_audit.zoo import Factory, shufflenet_v1, shufflenet_v2

FIELDS = {
    *("params_m", "madds_m", "source", "note", "params_tolerance", "madds_tolerance"),
    *("torchvision", "torchvision_args", "torchvision_side"),
}
MODELS = zoo.models()
# Figures are read as decimals, which remember how many digits the paper prints.
PUBLISHED: dict[str, dict[str, Any]] = tomllib.loads(
    (resources.files(zoo) / "published.toml").read_text(encoding="utf-8"), parse_float=Decimal
)
WITH_ROW = sorted(MODELS.keys() & PUBLISHED.keys())
WITH_TWIN = [name for name in WITH_ROW if "torchvision" in PUBLISHED[name]]


def module_of(factory: Factory) -> ModuleType:
    """The file of the zoo that ``factory``, often a partial, comes from."""
    return sys.modules[getattr(factory, "func", factory).__module__]


def on_meta(factory: Factory, **arguments: Any) -> nn.Module:
    with torch.device("meta"):
        return factory(**arguments).eval()


def params(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def smallest_without_twin() -> list[str]:
    """Of each file the smallest network that no comparison with torchvision runs."""
    families: dict[str, list[str]] = {}
    for name in MODELS.keys() - set(WITH_TWIN):
        families.setdefault(module_of(MODELS[name]).__name__, []).append(name)
    return sorted(min(names, key=lambda name: params(on_meta(MODELS[name]))) for names in families.values())


@cache
def counts(name: str) -> dict[str, int]:
    """What is counted in the zoo's network ``name``, by the figures of its row."""
    model = on_meta(MODELS[name])
    return {"params": params(model), "madds": madds(model, model.input_size)}


def madds(model: nn.Module, input_size: tuple[int, int, int]) -> int:
    """Multiply-adds as torch counts them; it counts the multiplication and the addition apart."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.empty(1, *input_size, device="meta"))
    return counter.get_total_flops() // 2


def tolerance(row: dict[str, Any], figure: str) -> float:
    """What ``row`` grants ``figure``, relative; by default 2 %, for parameters at least their rounding."""
    given = row.get(f"{figure}_tolerance")
    if given is not None:
        return float(given)
    if figure == "madds":
        return 0.02
    value = Decimal(row["params_m"])
    half_a_digit = Decimal((0, (5,), int(value.as_tuple().exponent) - 1))
    return max(0.02, float(half_a_digit / value))


def twin(torchvision: ModuleType, name: str) -> nn.Module:
    """The network ``name`` of torchvision on the meta device."""
    row = PUBLISHED[name]
    arguments = {
        key: float(value) if isinstance(value, Decimal) else value
        for key, value in row.get("torchvision_args", {}).items()
    }
    with torch.device("meta"):
        model: nn.Module = torchvision.models.get_model(row["torchvision"], weights=None, **arguments)
    return model.eval()


def fill(model: nn.Module, seed: int) -> None:
    """Random weights that keep activations near unit scale, and batch norms that are no identity."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        for name, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
            if name == "num_batches_tracked":
                tensor.zero_()
            elif tensor.dim() > 1:
                tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5, generator=generator)
            elif isinstance(module, nn.BatchNorm2d) and name in {"weight", "running_var"}:
                tensor.uniform_(0.5, 1.5, generator=generator)
            else:
                tensor.normal_(0, 0.1, generator=generator)


def assert_alive(logits: Tensor) -> None:
    """The logits are finite and depend on the image; of a dead network equal logits would say nothing."""
    assert logits.isfinite().all()
    assert logits.std(dim=0).max() > 1e-3 * logits.abs().max()


def test_every_model_has_a_row_and_every_row_a_model() -> None:
    assert PUBLISHED.keys() == MODELS.keys()


@pytest.mark.parametrize("name", WITH_ROW)
def test_row_is_complete(name: str) -> None:
    row = PUBLISHED[name]
    assert row.keys() <= FIELDS
    assert row["source"]
    assert row.keys() & {"params_m", "madds_m"}
    assert not (row.keys() & {"torchvision_args", "torchvision_side"} and "torchvision" not in row)


@pytest.mark.parametrize("name", WITH_ROW)
def test_published_figures(name: str) -> None:
    row = PUBLISHED[name]
    for figure, count in counts(name).items():
        if (published := row.get(f"{figure}_m")) is not None:
            assert count / 1e6 == pytest.approx(float(published), rel=tolerance(row, figure)), figure


@pytest.mark.parametrize("name", MODELS)
def test_classes_are_an_argument(name: str) -> None:
    model = on_meta(MODELS[name], num_classes=7)
    with torch.no_grad():
        assert model(torch.empty(2, *model.input_size, device="meta")).shape == (2, 7)


@pytest.mark.parametrize("name", smallest_without_twin())
def test_runs_for_real(name: str) -> None:
    model = MODELS[name]().eval()
    with torch.no_grad():
        fill(model, seed=0)
        assert_alive(model(torch.randn(2, *model.input_size, generator=torch.Generator().manual_seed(1))))


@pytest.mark.parametrize("name", WITH_TWIN)
def test_equals_torchvision(torchvision: ModuleType, name: str) -> None:
    ours, theirs = on_meta(MODELS[name]), twin(torchvision, name)
    assert counts(name) == {"params": params(theirs), "madds": madds(theirs, ours.input_size)}

    theirs.to_empty(device="cpu")
    side = PUBLISHED[name].get("torchvision_side", 64)
    with torch.no_grad():
        fill(theirs, seed=len(name))
        pairs = module_of(MODELS[name]).TORCHVISION_KEYS
        ours.load_state_dict(zoo.rename_keys(theirs.state_dict(), pairs), strict=True, assign=True)
        images = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1))
        expected = theirs(images)
        assert_alive(expected)
        torch.testing.assert_close(ours(images), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_tolerance_of_a_row() -> None:
    assert tolerance({"params_m": Decimal("7.4")}, "params") == 0.02
    assert tolerance({"params_m": Decimal("0.5")}, "params") == pytest.approx(0.1)
    assert tolerance({"params_m": Decimal("1.30")}, "params") == 0.02
    assert tolerance({"params_m": 5}, "params") == pytest.approx(0.1)
    assert tolerance({"madds_m": 41}, "madds") == 0.02
    assert tolerance({"madds_m": 41, "madds_tolerance": Decimal("0.07")}, "madds") == 0.07


def test_rename_keys_applies_the_pairs_in_turn() -> None:
    pairs = [(r"^conv(\d)\.", r"stage\1."), (r"^stage1\.", "stem.")]
    renamed = zoo.rename_keys({"conv1.weight": 1, "conv2.weight": 2, "fc.conv1.bias": 3}, pairs)
    assert renamed == {"stem.weight": 1, "stage2.weight": 2, "fc.conv1.bias": 3}


@pytest.fixture
def two_families(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, ModuleType]:
    """A zoo of two empty files, ``first`` and ``second``."""
    families = ModuleType("first"), ModuleType("second")
    for family in families:
        (tmp_path / f"{family.__name__}.py").touch()
        family.MODELS = {}  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, f"{zoo.__name__}.{family.__name__}", family)
    monkeypatch.setattr(zoo, "__path__", [str(tmp_path)])
    return families


def test_models_come_in_the_order_of_files(two_families: tuple[ModuleType, ModuleType]) -> None:
    first, second = two_families
    first.MODELS = {"z": nn.Identity, "a": nn.ReLU}
    second.MODELS = {"b": nn.Tanh}
    assert list(zoo.models().items()) == [("z", nn.Identity), ("a", nn.ReLU), ("b", nn.Tanh)]


def test_models_rejects_a_name_given_twice(two_families: tuple[ModuleType, ModuleType]) -> None:
    for family in two_families:
        family.MODELS = {"twin": nn.Identity}
    with pytest.raises(ValueError, match=r"zoo/second\.py names 'twin', which another file has already"):
        zoo.models()


def test_channel_shuffle_deals_the_groups_out() -> None:
    x = torch.arange(6).reshape(1, 6, 1, 1)
    assert shufflenet_v2.channel_shuffle(x, 2).flatten().tolist() == [0, 3, 1, 4, 2, 5]
    assert shufflenet_v2.channel_shuffle(x, 3).flatten().tolist() == [0, 2, 4, 1, 3, 5]


def silence(unit: nn.Module) -> None:
    """Make the last convolution of the unit's main branch yield 0."""
    norms = [module for module in unit.main.modules() if isinstance(module, nn.BatchNorm2d)]
    nn.init.zeros_(norms[-1].weight)
    nn.init.zeros_(norms[-1].bias)


@pytest.mark.parametrize(("residual", "second_half"), [(True, 1.0), (False, 0.0)])
def test_residual_of_shufflenet_v2_adds_the_half_that_is_convolved(residual: bool, second_half: float) -> None:
    unit = shufflenet_v2.BasicUnit(8, se=True, residual=residual).eval()
    silence(unit)
    x = torch.rand(1, 8, 3, 3)
    kept, convolved = x.chunk(2, dim=1)
    expected = shufflenet_v2.channel_shuffle(torch.cat((kept, second_half * convolved), dim=1), 2)
    torch.testing.assert_close(unit(x), expected)


def test_squeeze_excite_gates_by_the_sigmoid() -> None:
    gate = shufflenet_v2.SqueezeExcite(4, hidden=2)
    nn.init.zeros_(gate.excite.weight)
    gate.excite.bias.data = torch.tensor([0.0, 100.0, -100.0, 0.0])
    x = torch.rand(2, 4, 3, 3)
    expected: Tensor = x * torch.tensor([0.5, 1.0, 0.0, 0.5])[:, None, None]
    torch.testing.assert_close(gate(x), expected)


def test_down_unit_of_shufflenet_v1_keeps_the_pooled_input() -> None:
    unit = shufflenet_v1.DownUnit(4, 16, groups=2, grouped_input=False).eval()
    silence(unit)
    assert (unit.main.reduce.conv.groups, unit.main.expand.conv.groups) == (1, 2)
    out = unit(torch.ones(1, 4, 8, 8))
    assert out.shape == (1, 16, 4, 4)
    assert out[0, :4, 1:, 1:].eq(1).all()
    assert out[0, 4:].eq(0).all()

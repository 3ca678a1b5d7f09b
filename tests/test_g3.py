"""G3 on real models: what must fail, what must not, what a finding says."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import torch
from mac_audit.rules.g3_fragmented_block import fragmented_block
from torch import Tensor, nn
from torch.nn import functional as F

from mac_audit import zoo
from mac_audit.capture import capture
from mac_audit.engine import audit
from mac_audit.lower import lower
from mac_audit.profile import Profile
from mac_audit.report import Finding, Report
from mac_audit.rule import Measure, NotApplicable


def profile(model: nn.Module, *shape: int) -> Profile:
    return Profile(lower(capture(model, torch.empty(shape, device="meta"))))


def report(model: nn.Module, *shape: int, **options: float) -> Report:
    return audit(profile(model, *shape), [fragmented_block], target="model", options={"G3": options})


def measured(model: nn.Module, *shape: int) -> Measure:
    outcome = fragmented_block(profile(model, *shape))
    assert isinstance(outcome, Measure)
    return outcome


@cache
def of_zoo(name: str) -> Measure:
    with torch.device("meta"):
        model = zoo.models()[name]()
    return measured(model, 1, *getattr(model, "input_size", (3, 224, 224)))


# Reference values to two digits, from another implementation of the measure on torchvision's networks.
PASSING = {
    "shufflenet_v2_x0_5": 1.12,
    "shufflenet_v2_x1_0": 1.12,
    "shufflenet_v2_x1_5": 1.12,
    "shufflenet_v2_x2_0": 1.12,
    "shufflenet_v1_g3_x1_0": 1.06,
    "mobilenet_v1_x1_0": 1.00,
    "mobilenet_v2_x1_0": 1.00,
    "resnet50": 1.08,
    "resnext50_32x4d": 1.08,
    "vgg16": 1.0,
}


@pytest.mark.parametrize("name", PASSING)
def test_networks_that_must_pass(name: str) -> None:
    measure = of_zoo(name)
    assert round(measure.value, 2) == PASSING[name]
    assert measure.violations == ()


def test_resnet18_has_three_shortcuts_beside_its_chain() -> None:
    """conv, pool, 8 blocks of two, the layer at the end: a chain of 19, and three 1×1 convolutions."""
    assert of_zoo("resnet18").value == 22 / 19
    assert of_zoo("resnet18").violations == ()


def test_googlenet_fails_by_its_inception_blocks() -> None:
    """Nine blocks of six convolutions and a pool, the longest branch two; eight layers in sequence around them.

    Before: three convolutions and two pools; between: two pools; after: one linear layer (the mean over all
    positions is a reduction, no pool).
    """
    measure = of_zoo("googlenet")
    assert measure.value == (9 * 7 + 8) / (9 * 2 + 8)
    assert round(measure.value, 2) == 2.73
    # Each block has five more than its longest chain; 71 − 7 · 5 = 36 is the first that is not above 1.5 · 26 = 39.
    assert [violation.layer for violation in measure.violations] == [
        "inception3a", "inception3b", "inception4a", "inception4b", "inception4c", "inception4d", "inception4e"
    ]  # fmt: skip
    assert {violation.message for violation in measure.violations} == {
        "7 operators side by side and in sequence where 2 would be a chain: width 4"
    }
    first = measure.violations[0]
    assert first.counterfactual["now"] == {"fragments": 7, "depth": 2, "width": 4}
    assert first.counterfactual["instead"] == {"fragments": 2, "depth": 2, "width": 1}
    assert "3 layers that read the same tensor (3 of 1×1)" in first.instead
    assert first.avoidable == 2 * 192 * 28 * 28  # the block's input, read once and not three times
    assert first.avoidable_bytes == 4 * first.avoidable


def test_inception_v3_fails(torchvision: ModuleType) -> None:
    measure = measured(torchvision.models.inception_v3(init_weights=False), 1, 3, 299, 299)
    assert round(measure.value, 2) == 2.16  # the reference value
    assert all(violation.layer.startswith("Mixed_") for violation in measure.violations)


@pytest.mark.parametrize("name", ["nasnet_a_large", "nasnet_a_mobile"])
def test_nasnet_fails_by_its_cells(name: str) -> None:
    """No operator lies on every path: each cell reads the two before it."""
    assert of_zoo(name).value > 2.5
    assert {violation.layer.partition(".")[0] for violation in of_zoo(name).violations} == {"cells"}


def test_a_normal_cell_of_nasnet() -> None:
    """Five separable convolutions, each applied twice, of two convolutions each; three pools; a 1×1 for each input.

    The longest chain is one of the latter and a separable convolution applied twice: 1 + 4. The paper counts a
    separable convolution applied twice as one, and not the 1×1 for the inputs: 13 for "five pairs and three pools".
    """
    cells = [v.counterfactual["now"] for v in of_zoo("nasnet_a_large").violations]
    normal = {"fragments": 2 * 5 * 2 + 3 + 2, "depth": 5}
    assert sum({**cell, "width": 0} == {**normal, "width": 0} for cell in cells) >= 12


@cache
def _nasnet() -> Profile:
    with torch.device("meta"):
        model = zoo.models()["nasnet_a_large"]()
    return profile(model, 1, *model.input_size)


def conv(c1: int, c2: int, kernel: int = 1, **options: int) -> nn.Conv2d:
    return nn.Conv2d(c1, c2, kernel, padding=kernel // 2, **options)


class Branches(nn.Module):
    """A 1×1 convolution, then ``number`` convolutions side by side."""

    def __init__(self, number: int, kernels: tuple[int, ...] = (1,)) -> None:
        super().__init__()
        self.stem = conv(4, 4)
        self.branches = nn.ModuleList([conv(4, 4, kernels[i % len(kernels)]) for i in range(number)])

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return torch.cat([F.relu(branch(x)) for branch in self.branches], dim=1)


def test_two_branches_among_a_chain_pass() -> None:
    model = nn.Sequential(Branches(2), conv(8, 8))
    assert measured(model, 1, 4, 8, 8).value == 4 / 3
    assert report(model, 1, 4, 8, 8).verdict == "pass"


def test_many_branches_fail() -> None:
    measure = measured(Branches(5, kernels=(1, 3)), 1, 4, 8, 8)
    assert measure.value == 6 / 2
    (violation,) = measure.violations
    assert violation.layer == ""  # branches, and relu in the forward of the model
    assert violation.message == "5 operators side by side and in sequence where 1 would be a chain: width 5"
    assert "5 layers that read the same tensor (3 of 1×1, 2 of 3×3): 5 → 1 operators" in violation.instead
    assert violation.avoidable == 4 * 4 * 8 * 8
    assert violation.value == 4 / 2  # what it adds to the measure


def test_the_limit_is_tolerated() -> None:
    model = Branches(2)  # three over two
    assert report(model, 1, 4, 8, 8).verdict == "pass"
    assert report(model, 1, 4, 8, 8, limit=1.4).verdict == "fail"


class Dense(nn.Module):
    """Each convolution reads all results before it."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList([conv(4 * (i + 1), 4, 3) for i in range(6)])

    def forward(self, x: Tensor) -> Tensor:
        found = [x]
        for layer in self.convs:
            found.append(F.relu(layer(torch.cat(found, dim=1))))
        return torch.cat(found, dim=1)


class Residual(nn.Module):
    def __init__(self, project: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(4, 4), nn.ReLU(), conv(4, 4, 3), nn.ReLU(), conv(4, 4))
        self.shortcut = conv(4, 4) if project else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.shortcut(x))


class Transformer(nn.Module):
    """Attention with a layer each for queries, keys and values, and two linear layers."""

    def __init__(self, width: int = 16, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (f(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for f in (self.q, self.k, self.v))
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x + self.mlp(x)


@pytest.mark.parametrize(
    ("model", "shape", "value"),
    [
        (nn.Sequential(*(conv(4, 4) for _ in range(5))), (1, 4, 8, 8), 1.0),
        (Dense(), (1, 4, 8, 8), 1.0),
        (nn.Sequential(Residual(False), Residual(False)), (1, 4, 8, 8), 1.0),
        (nn.Sequential(Residual(True), Residual(True)), (1, 4, 8, 8), 8 / 6),
        (nn.TransformerEncoderLayer(16, 2, batch_first=True), (1, 8, 16), 1.0),
    ],
    ids=["chain", "dense", "residual", "projected residual", "encoder layer"],
)
def test_what_waits_for_itself_passes(model: nn.Module, shape: tuple[int, ...], value: float) -> None:
    assert measured(model, *shape).value == value
    assert report(model, *shape).verdict == "pass"


def test_queries_keys_and_values_pass() -> None:
    """Beside the chain of a layer stand two of the three projections: two more than five or six."""
    result = measured(nn.Sequential(Transformer(), Transformer()), 1, 8, 16)
    assert result.value in {7 / 5, 8 / 6}  # attention is one operator, or two products
    assert result.violations == ()


def test_layers_that_read_equal_functions_of_a_tensor_are_merged() -> None:
    """Each branch with a ReLU of its own reads the same values; one with a stride gives other positions."""

    class Cell(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = conv(4, 4)
            self.branches = nn.ModuleList([conv(4, 8, 3, groups=4), conv(4, 8, 5, groups=4), conv(4, 8)])
            self.stride = conv(4, 8, stride=2)

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            sides = [branch(F.relu(x)) for branch in self.branches]
            return torch.cat([*sides, F.interpolate(self.stride(F.relu(x)), scale_factor=2)], dim=1)

    (violation,) = measured(Cell(), 1, 4, 8, 8).violations
    assert violation.counterfactual["now"]["fragments"] == 4
    assert violation.counterfactual["merged"] == {"fragments": 3, "layers": [["depthwise 3×3", "depthwise 5×5"]]}
    assert violation.avoidable == 4 * 8 * 8  # of the three others, each is of another kind


def test_the_largest_group_of_layers_is_named_first() -> None:
    class Cell(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.few = nn.ModuleList([conv(4, 4, stride=2) for _ in range(2)])
            self.many = nn.ModuleList([conv(4, 4) for _ in range(3)])

        def forward(self, x: Tensor) -> Tensor:
            return sum(layer(x).mean() for layer in (*self.few, *self.many))

    (violation,) = measured(Cell(), 1, 4, 8, 8).violations
    assert violation.counterfactual["merged"] == {"fragments": 2, "layers": [["1×1"] * 3, ["1×1"] * 2]}


def test_pools_and_products_of_activations_are_not_merged() -> None:
    class Pools(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            pools = [F.avg_pool2d(x, 3, 1, 1), F.max_pool2d(x, 3, 1, 1)]
            return torch.cat([*pools, x @ x, x @ x.mT], dim=1)

    (violation,) = measured(Pools(), 1, 4, 8, 8).violations
    assert violation.avoidable == 0
    assert violation.instead == "fewer branches, and wider layers in those that stay: 1 in sequence"


def test_without_two_fragments_it_does_not_apply() -> None:
    for model in (nn.ReLU(), conv(4, 4)):
        assert isinstance(fragmented_block(profile(model, 1, 4, 8, 8)), NotApplicable)


SOURCE = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(4, 2, 1), nn.Conv2d(4, 2, 1)
        self.three = nn.Sequential(nn.Conv2d(4, 2, 3, padding=1), nn.ReLU())

    def forward(self, x):
        return torch.cat([self.one(x), self.two(x), self.three(x)], dim=1)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(4, 4, 3)
        self.body = nn.Sequential(nn.Conv2d(6, 4, 1), nn.ReLU())
        self.first = Block()
        self.last = Block()

    def forward(self, x):
        return self.last(self.body(self.first(self.stem(x))))
"""
NAMES = {"Block": "Zebra", "Net": "Inception", "one": "z9", "two": "a1", "three": "conv", "first": "x", "last": "y"}


def findings(text: str, path: Path) -> tuple[float | None, list[Finding]]:
    path.write_text(text, encoding="utf-8")
    space: dict[str, Callable[[], nn.Module]] = {"__name__": path.stem}  # type: ignore[dict-item]
    exec(compile(text, str(path), "exec"), space)
    name = next(name for name in ("Net", "Inception") if name in space)
    result = report(space[name](), 1, 4, 16, 16)
    return result.rules[0].value, list(result.findings)


def test_names_change_nothing_but_names(tmp_path: Path) -> None:
    renamed = SOURCE
    for old, new in NAMES.items():
        renamed = renamed.replace(f"class {old}(", f"class {new}(").replace(f"{old}()", f"{new}()")
        renamed = renamed.replace(f"self.{old}", f"self.{new}")
    value, found = findings(SOURCE, tmp_path / "model.py")
    other_value, other = findings(renamed, tmp_path / "model.py")
    assert value == other_value == (2 + 2 * 3) / (2 + 2 * 1)
    assert [finding.layer for finding in found] == ["first"]  # 8 − 2 fragments over 4 are 1.5
    assert [finding.layer for finding in other] == ["x"]

    told = ("layer", "fingerprint", "snippet")  # what tells names

    def nameless(finding: Finding) -> dict[str, object]:
        return {name: getattr(finding, name) for name in Finding.__slots__ if name not in told}

    assert list(map(nameless, found)) == list(map(nameless, other))


def test_a_finding_points_into_the_model(tmp_path: Path) -> None:
    _, (finding,) = findings(SOURCE, tmp_path / "model.py")
    assert finding.source is not None
    assert finding.source.file.endswith("model.py")
    # Nobody watched the construction here: the line of the first convolution's call.
    assert "self.one(x)" in SOURCE.splitlines()[finding.source.line - 1]

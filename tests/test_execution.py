"""What the folded form leaves out of the eager one, and what it must not."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mac_audit.capture import capture
from mac_audit.errors import MacAuditError
from mac_audit.lower import lower
from mac_audit.profile import Profile


def meta(*shape: int) -> Tensor:
    return torch.empty(shape, device="meta")


def profiles(model: nn.Module, *inputs: Tensor) -> tuple[Profile, Profile]:
    """Eager and folded."""
    network = lower(capture(model, inputs))
    return Profile(network, "eager"), Profile(network, "folded")


def count(profile: Profile, name: str) -> int:
    return sum(name in costed.operator.target for costed in profile.operators)


def norms(model: nn.Module, *inputs: Tensor) -> tuple[int, int]:
    """Batch norms in eager mode, and folded."""
    eager, folded = profiles(model, *inputs)
    return count(eager, "batch_norm"), count(folded, "batch_norm")


class Function(nn.Module):
    """A convolution, a batch norm and a forward that is a function of both."""

    def __init__(self, function: Callable[..., Any], conv: nn.Module | None = None) -> None:
        super().__init__()
        self.function = function
        self.conv = conv or nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, *args: Tensor) -> Any:
        return self.function(self, *args)


# --- what folds ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (nn.Sequential(nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4)), (1, 3, 8)),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), (1, 3, 8, 8)),
        (nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4, affine=False)), (1, 3, 8, 8)),
        (nn.Sequential(nn.Conv2d(4, 4, 3, groups=4), nn.BatchNorm2d(4)), (1, 4, 8, 8)),
        (nn.Sequential(nn.Conv3d(3, 4, 3), nn.BatchNorm3d(4)), (1, 3, 8, 8, 8)),
        (nn.Sequential(nn.ConvTranspose2d(3, 4, 3), nn.BatchNorm2d(4)), (1, 3, 8, 8)),
        (nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), (5, 3)),
        (nn.Sequential(nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4)), (5, 3)),
    ],
    ids=str,
)
def test_batch_norm_folds(model: nn.Module, shape: tuple[int, ...]) -> None:
    assert norms(model, meta(*shape)) == (1, 0)


@pytest.mark.parametrize("bias", [False, True])
def test_folded_convolution_costs_a_convolution_with_a_bias(bias: bool) -> None:
    """The batch norm's 8·8·4 elements are neither read nor written, and it leaves four biases."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=bias), nn.BatchNorm2d(4), nn.ReLU())
    eager, folded = profiles(model, meta(1, 3, 8, 8))
    conv, relu = folded.working
    assert (conv.cost.reads_activation, conv.cost.reads_weight, conv.cost.writes) == (3 * 64, 4 * 3 * 9 + 4, 4 * 64)
    assert conv.cost.madds == 4 * 64 * 3 * 9
    assert conv.cost.other_ops == 4 * 64
    assert (relu.cost.reads_activation, relu.cost.writes) == (4 * 64, 4 * 64)
    # one norm: activation read and written, scale, shift, mean and variance read; a bias comes where none was
    assert eager.total.mac_elements - folded.total.mac_elements == 2 * 4 * 64 + 4 * 4 - (0 if bias else 4)
    assert folded.params == eager.params


def test_each_call_of_a_shared_convolution_folds() -> None:
    model = Function(lambda self, x: self.norm(self.conv(self.norm(self.conv(x)))), nn.Conv2d(4, 4, 1))
    assert norms(model, meta(1, 4, 8, 8)) == (2, 0)


def test_residual_block_folds_all_but_the_sum(torchvision: ModuleType) -> None:
    with torch.device("meta"):
        model = torchvision.models.resnet18(weights=None)
    assert norms(model, meta(1, 3, 64, 64)) == (20, 0)


def test_dropout_and_identity_vanish() -> None:
    model = nn.Sequential(nn.Identity(), nn.Dropout(), nn.Linear(4, 4), nn.Dropout(inplace=True), nn.Identity())
    _, folded = profiles(model, meta(2, 4))
    assert [costed.kind for costed in folded.working] == ["matmul"]


# --- what must not fold --------------------------------------------------------------------------------------------


def computed_weight(self: Any, x: Tensor) -> Tensor:
    weight = x.mean((0, 2, 3)).view(1, 3, 1, 1) * self.conv.weight
    return self.norm(F.conv2d(x, weight))


def weight_written_from_the_input(self: Any, x: Tensor) -> Tensor:
    weight = self.conv.weight.clone()
    weight[0, 0] = x[0, 0, :3, :3]
    return self.norm(F.conv2d(x, weight))


def statistics_of_the_input(self: Any, x: Tensor) -> Tensor:
    statistics = F.pad(x.mean((0, 2, 3)).abs(), (0, 1), value=1.0)
    return F.batch_norm(self.conv(x), statistics, statistics)


def scale_of_the_input(self: Any, x: Tensor) -> Tensor:
    """A conditional batch norm."""
    scale = F.pad(x.mean((0, 2, 3)), (0, 1), value=1.0)
    return F.batch_norm(self.conv(x), self.norm.running_mean, self.norm.running_var, scale, self.norm.bias)


def bias_of_the_input(self: Any, x: Tensor) -> Tensor:
    bias = F.pad(x.mean((0, 2, 3)), (0, 1), value=1.0)
    return self.norm(F.conv2d(x, self.conv.weight, bias))


def written_between(self: Any, x: Tensor) -> Tensor:
    y = self.conv(x)
    y[:, 0] = 0
    return self.norm(y)


def activation_between(self: Any, x: Tensor) -> Tensor:
    return self.norm(self.conv(x).relu_())


def read_twice(self: Any, x: Tensor) -> Tensor:
    y = self.conv(x)
    return self.norm(y) + y


def also_a_result(self: Any, x: Tensor) -> Any:
    y = self.conv(x)
    return self.norm(y), y


def view_also_a_result(self: Any, x: Tensor) -> Any:
    y = self.conv(x)
    return self.norm(y), y.flatten(1)


def view_between_is_read(self: Any, x: Tensor) -> Any:
    y = self.conv(x)
    return self.norm(y), y.flatten(1) * 2


@pytest.mark.parametrize(
    "function",
    [
        read_twice,
        also_a_result,
        view_also_a_result,
        lambda self, x: self.norm(self.conv(x) + 1),
        lambda self, x: self.norm(F.max_pool2d(self.conv(x), 2)),
        view_between_is_read,
        activation_between,
        written_between,
        computed_weight,
        pytest.param(
            weight_written_from_the_input,
        ),
        statistics_of_the_input,
        scale_of_the_input,
        bias_of_the_input,
    ],
    ids=[
        *("read-twice", "is-a-result", "view-is-a-result", "sum-between", "pool-between", "view-is-read"),
        *("activation-between", "written-between", "computed-weight", "written-weight"),
        *("computed-statistics", "computed-scale", "computed-bias"),
    ],
)
def test_batch_norm_stays(function: Callable[..., Any]) -> None:
    assert norms(Function(function), meta(1, 3, 8, 8)) == (1, 1)


def test_batch_norm_before_the_activation_stays() -> None:
    """As in DenseNet: norm, activation, convolution."""
    model = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 4, 3))
    assert norms(model, meta(1, 3, 8, 8)) == (1, 1)


def test_batch_norm_with_statistics_of_the_batch_stays() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False))
    assert norms(model, meta(2, 3, 8, 8)) == (1, 1)


@pytest.mark.parametrize("layer", [nn.InstanceNorm2d(4), nn.GroupNorm(2, 4), nn.LayerNorm(6)], ids=str)
def test_other_norms_stay(layer: nn.Module) -> None:
    eager, folded = profiles(nn.Sequential(nn.Conv2d(3, 4, 3), layer), meta(1, 3, 8, 8))
    assert len(folded.working) == len(eager.working) == 2


def test_only_the_first_of_two_batch_norms_folds() -> None:
    """The second would fold as well, but one at a time is what is promised."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.BatchNorm2d(4))
    eager, folded = norms(model, meta(1, 3, 8, 8))
    assert eager == 2
    assert folded <= 1


# --- results that nobody reads -------------------------------------------------------------------------------------


def test_unread_indices_of_a_max_pool_vanish() -> None:
    eager, folded = profiles(nn.MaxPool2d(2), meta(1, 3, 8, 8))
    assert eager.total.writes == 2 * 3 * 16
    assert folded.total.writes == 3 * 16
    assert eager.total.mac_bytes - folded.total.mac_bytes == 8 * 3 * 16  # int64


def test_returned_indices_of_a_max_pool_stay() -> None:
    eager, folded = profiles(nn.MaxPool2d(2, return_indices=True), meta(1, 3, 8, 8))
    assert folded.total == eager.total
    assert folded.total.writes == 2 * 3 * 16


def test_indices_that_another_operator_reads_stay() -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        y, indices = F.max_pool2d(x, 2, return_indices=True)
        return F.max_unpool2d(y, indices, 2)

    _, folded = profiles(Function(forward), meta(1, 3, 8, 8))
    (pool,) = (costed for costed in folded.working if "max_pool2d" in costed.operator.target)
    assert pool.cost.writes == 2 * 3 * 16


def test_values_that_nobody_reads_vanish() -> None:
    """Of max along a dimension the index alone, eight bytes each."""
    _, folded = profiles(Function(lambda self, x: x.max(-1).indices), meta(5, 7))
    assert folded.total.writes == 5
    assert folded.total.mac_bytes == 4 * 35 + 8 * 5


def test_saved_statistics_vanish() -> None:
    _, folded = profiles(nn.LayerNorm(8), meta(2, 3, 8))
    assert folded.total.writes == 48


# --- all forms -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["mobilenet_v3_small", "shufflenet_v2_x0_5", "densenet121", "vit_b_32", "squeezenet1_0"]
)
def test_folded_never_costs_more(torchvision: ModuleType, name: str) -> None:
    """The zoo is held to this in test_cost.py."""
    with torch.device("meta"):
        model = torchvision.models.get_model(name, weights=None)
    eager, folded = profiles(model, meta(1, 3, 224, 224))
    assert folded.total.madds == eager.total.madds
    for measure in ("other_ops", "reads_activation", "writes", "mac_elements", "mac_bytes", "operators"):
        assert getattr(folded.total, measure) <= getattr(eager.total, measure)
    assert [costed.operator.target for costed in folded.coverage["unknown"]] == []


def test_captured_network_is_kept() -> None:
    network = lower(capture(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), meta(1, 3, 8, 8)))
    before = network.to_json()
    folded = Profile(network, "folded")
    assert folded.captured is network
    assert network.to_json() == before
    assert folded.network != network
    assert Profile(network, "eager").network == network


def test_unknown_execution_is_told() -> None:
    network = lower(capture(nn.Linear(4, 4), meta(1, 4)))
    with pytest.raises(MacAuditError, match=r"no execution model 'quick'.*folded"):
        Profile(network, "quick")

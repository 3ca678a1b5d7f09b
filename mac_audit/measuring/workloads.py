"""What a calibration measures: small stacks of layers, of every class of operator, at the sizes that networks have.

A stack is a few layers one after another rather than a single operator, so that its tensors are as warm or cold as they
are within a model and the framework's time between operators is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Build = Callable[[], nn.Module]
Shape = tuple[int, ...]
Entry = tuple[str, Build, Shape]


@dataclass(frozen=True, slots=True)
class Workload:
    """A stack of layers and the shape of its input; ``name`` says which and how large.

    ``deep`` ones are small networks, in which other operators have run since an operator's turn before.
    """

    name: str
    build: Build
    shape: Shape
    deep: bool = False


class Apply(nn.Module):
    """A function of one tensor as a layer."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Attention(nn.Module):
    """Scaled dot-product attention of (N, L, d) with itself, in ``heads``; what surrounds it is left to others."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads

    def forward(self, x: Tensor) -> Tensor:
        n, length, d = x.shape
        q = x.view(n, length, self.heads, d // self.heads).transpose(1, 2)
        y: Tensor = F.scaled_dot_product_attention(q, q, q)
        return y.transpose(1, 2).reshape(n, length, d)


def workloads() -> tuple[Workload, ...]:
    """All of them; names are different."""
    return tuple(
        Workload(f"{name} {'×'.join(map(str, shape))}", build, shape, part is _networks)
        for part in (_convolutions, _separable, _products, _movers, _blocks, _networks)
        for name, build, shape in part()
    )


def _convolutions() -> Iterator[Entry]:
    for n, c, side in (
        *((1, 16, 112), (1, 64, 56), (1, 128, 28), (1, 256, 14), (1, 512, 7), (1, 32, 28), (1, 192, 17)),
        *((8, 64, 28), (8, 256, 14), (8, 512, 7)),
    ):
        yield "conv 3×3", partial(_convs, c, c, 3, layers=2), (n, c, side, side)
    for n, c, side in ((1, 32, 56), (1, 128, 14), (8, 32, 28)):
        yield "conv 3×3 /2", partial(_convs, c, 2 * c, 3, stride=2), (n, c, side, side)
    stems = ((1, 3, 32, 2, 224), (1, 7, 64, 2, 224), (4, 7, 64, 2, 112), (1, 16, 384, 16, 224))
    for n, kernel, c_out, stride, side in stems:
        yield f"stem {kernel}×{kernel}", partial(_convs, 3, c_out, kernel, stride=stride), (n, 3, side, side)
    for n, c, side in ((1, 64, 28), (1, 96, 14)):
        yield "conv 5×5", partial(_convs, c, c, 5), (n, c, side, side)
    for n, c, side, groups in ((1, 128, 56, 32), (1, 512, 14, 32), (1, 240, 28, 3), (1, 960, 7, 3), (4, 256, 28, 8)):
        yield f"grouped 3×3 g={groups}", partial(_convs, c, c, 3, groups=groups), (n, c, side, side)
        yield f"grouped 1×1 g={groups}", partial(_convs, c, c, 1, groups=groups), (n, c, side, side)


def _separable() -> Iterator[Entry]:
    for n, c1, c2, side in (
        *((1, 16, 96, 112), (1, 24, 144, 56), (1, 64, 256, 56), (1, 58, 58, 28), (1, 128, 512, 28), (1, 256, 1024, 14)),
        *((1, 116, 116, 14), (1, 160, 960, 7), (1, 512, 2048, 7), (1, 32, 128, 1), (1, 384, 96, 1)),
        *((8, 24, 144, 28), (8, 128, 512, 14), (8, 512, 512, 7)),
    ):
        yield f"pointwise {c1}–{c2}", partial(_there_and_back, c1, c2), (n, c1, side, side)
    for n, c, side, kernel, stride in (
        *((1, 32, 112, 3, 1), (1, 144, 56, 3, 1), (1, 144, 56, 3, 2), (1, 58, 28, 3, 1), (1, 384, 14, 3, 1)),
        *((1, 960, 7, 3, 1), (1, 240, 28, 5, 1), (1, 672, 14, 5, 2), (1, 96, 56, 7, 1), (1, 384, 14, 7, 1)),
        *((8, 144, 28, 3, 1), (8, 384, 14, 3, 1), (8, 96, 56, 3, 2)),
    ):
        build = partial(_convs, c, c, kernel, groups=c, stride=stride)
        yield f"depthwise {kernel}×{kernel} /{stride}", build, (n, c, side, side)


def _products() -> Iterator[Entry]:
    for rows, c1, c2 in (
        *((1, 512, 1000), (1, 2048, 1000), (1, 9216, 2048), (8, 1280, 1000), (8, 4096, 2048), (49, 384, 1536)),
        *((197, 192, 768), (197, 768, 3072), (128, 768, 768), (128, 128, 512), (1024, 768, 768), (3136, 96, 384)),
    ):
        yield f"linear {c1}–{c2}", partial(_linears, c1, c2), (1, rows, c1)
    for n, length, heads, d in (
        *((1, 197, 3, 192), (1, 197, 12, 768), (8, 128, 12, 768), (64, 49, 3, 96), (1, 512, 4, 256), (1, 128, 2, 128)),
    ):
        yield f"attention of {heads} heads", partial(Attention, heads), (n, length, d)
    for n, length, c1, c2 in ((1, 200, 64, 128), (4, 50, 128, 256), (16, 20, 256, 256)):
        yield f"recurrent {c1}–{c2}", partial(_recurrent, c1, c2), (n, length, c1)
    for shape in ((12, 128, 64), (64, 49, 32), (3, 197, 64)):
        yield "product of activations", partial(Apply, lambda x: x @ x.transpose(-1, -2)), shape


_FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "relu in place": F.relu_,
    "relu6": F.relu6,
    "hardswish": F.hardswish,
    "hardsigmoid": F.hardsigmoid,
    "silu": F.silu,
    "sigmoid": torch.sigmoid,
    "gelu": F.gelu,
    "tanh": torch.tanh,
    "add": lambda x: x + x,
    "add in place": lambda x: x.add_(x),
    "scale a channel": lambda x: x * x[:, :, :1, :1],
    "concatenate": lambda x: torch.cat((x, x), 1),
    "shuffle": lambda x: x.view(x.shape[0], 2, -1, *x.shape[2:]).transpose(1, 2).reshape(x.shape),
    "to channels last": lambda x: x.permute(0, 2, 3, 1).contiguous(),
    "max pool": lambda x: F.max_pool2d(x, 3, 2, 1),
    "average pool": lambda x: F.avg_pool2d(x, 2, 2),
    "mean of a channel": lambda x: F.adaptive_avg_pool2d(x, 1),
    "copy": torch.clone,
    "pad": lambda x: F.pad(x, (1, 1, 1, 1)),
    "roll": lambda x: torch.roll(x, (1, 1), (2, 3)),
}


def _movers() -> Iterator[Entry]:
    maps: tuple[Shape, ...] = ((1, 24, 112, 112), (1, 256, 28, 28), (1, 512, 7, 7), (8, 64, 56, 56))
    for name, function in _FUNCTIONS.items():
        for shape in maps:
            yield name, partial(Apply, function), shape
    for shape in maps:
        yield "batch norm", partial(_norms, nn.BatchNorm2d, shape[1]), shape
    tokens: tuple[Shape, ...] = ((1, 197, 768), (1, 3136, 96), (8, 128, 768), (1, 49, 384))
    for shape in tokens:
        yield "layer norm", partial(_norms, nn.LayerNorm, shape[-1]), shape
    scores: tuple[Shape, ...] = ((1, 12, 128, 128), (64, 3, 49, 49), (1, 1000))
    for shape in scores:
        yield "softmax", partial(Apply, lambda x: x.softmax(-1)), shape


def _blocks() -> Iterator[Entry]:
    for n, c, side in ((1, 256, 28), (1, 1024, 14), (8, 256, 14)):
        yield "bottleneck", partial(_bottleneck, c), (n, c, side, side)
    for n, c, side in ((1, 32, 56), (1, 96, 14), (8, 32, 28)):
        yield "inverted bottleneck", partial(_inverted_bottleneck, c), (n, c, side, side)
    for n, length, d in ((1, 197, 192), (1, 128, 512), (8, 64, 256)):
        yield "feed-forward", partial(_feed_forward, d), (n, length, d)


def _networks() -> Iterator[Entry]:
    """None of them is anybody's: three stages of two blocks behind a stem, or six layers of a transformer."""
    for name, block in (
        ("bottlenecks", _bottleneck),
        ("inverted bottlenecks", _inverted_bottleneck),
        ("plain", _plain),
    ):
        for n, width, side in ((1, 24, 160), (1, 48, 128), (4, 32, 96)):
            yield f"network of {name} from {width}", partial(_stages, block, width), (n, 3, side, side)
    for n, length, heads, d in ((1, 128, 4, 256), (1, 197, 3, 192), (4, 64, 6, 384)):
        yield f"transformer of {heads} heads", partial(_transformer, heads, d), (n, length, d)


def _stages(block: Callable[[int], nn.Module], width: int) -> nn.Module:
    layers = [_normed(3, width, 3, stride=2)]
    for stage in range(3):
        c = width << stage
        layers += [_normed(c, 2 * c, 3, stride=2), block(2 * c), block(2 * c)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8 * width, 1000))


def _plain(c: int) -> nn.Module:
    return _normed(c, c, 3)


def _transformer(heads: int, d: int) -> nn.Module:
    return nn.Sequential(*(layer for _ in range(6) for layer in (_linears(d, d), Attention(heads), _feed_forward(d))))


def _convs(c_in: int, c_out: int, kernel: int, stride: int = 1, groups: int = 1, layers: int = 1) -> nn.Module:
    padding = 0 if stride == kernel else kernel // 2
    return nn.Sequential(
        *(nn.Conv2d(c_in, c_out, kernel, stride, padding, groups=groups, bias=False) for _ in range(layers))
    )


def _there_and_back(c1: int, c2: int) -> nn.Module:
    return nn.Sequential(_convs(c1, c2, 1), _convs(c2, c1, 1))


def _linears(c1: int, c2: int) -> nn.Module:
    return nn.Sequential(nn.Linear(c1, c2), nn.Linear(c2, c1))


def _recurrent(c1: int, c2: int) -> nn.Module:
    return nn.Sequential(nn.LSTM(c1, c2, batch_first=True), Apply(lambda found: found[0]))


def _norms(norm: Callable[[int], nn.Module], width: int) -> nn.Module:
    return nn.Sequential(norm(width), norm(width))


def _normed(c_in: int, c_out: int, kernel: int, groups: int = 1, stride: int = 1) -> nn.Module:
    return nn.Sequential(_convs(c_in, c_out, kernel, stride, groups), nn.BatchNorm2d(c_out), nn.ReLU(inplace=True))


def _bottleneck(c: int) -> nn.Module:
    return nn.Sequential(_normed(c, c // 4, 1), _normed(c // 4, c // 4, 3), _normed(c // 4, c, 1))


def _inverted_bottleneck(c: int) -> nn.Module:
    return nn.Sequential(_normed(c, 6 * c, 1), _normed(6 * c, 6 * c, 3, groups=6 * c), _normed(6 * c, c, 1))


def _feed_forward(d: int) -> nn.Module:
    return nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

"""PyTorch itself: layers and kinds of module that no library above is made of, with inputs of every kind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mac_audit.cost import Work, formula
from mac_audit.network import Tensor as Operand
from mac_audit.request import Request
from tests.corpus.row import Row


def rows() -> list[Row]:
    """Multiply-adds by hand are those of the products and convolutions, written out."""
    return [
        row("transformer", "1,20,64", "1,12,64"),
        row("encoder", "1,20,64"),
        row("attention", "1,20,64"),
        row("lstm", "1,20,32"),
        row("gru", "1,20,32"),
        row("elman", "1,20,32"),
        row("bidirectional", "1,20,32"),
        row("cells", "4,32"),
        row("waveform", "1,1,400"),
        row("volume", "1,1,16,16,16"),
        row("upsampling", "1,8,16,16"),
        row("einsum", "2,4,10,16", "2,4,12,16"),
        row("bilinear", "5,8", "5,12", madds=5 * 6 * 8 * 12 + 5 * 6 * 12),  # x·W·y for each output: first x·W, then ·y
        row("fourier", "1,3,32,32"),
        row("complex", "4,16:complex64"),
        row("bag", "8,4:int64"),
        row("sampler", "1,4,16,16"),
        row("nested", "4,16", "4,16:bool"),
        row("scripted", "1,3,32,32", twin="network"),
        row("exported", "1,3,32,32", twin="network"),
        row("quantised_dynamic", "4,16", madds=4 * 16 * 32 + 4 * 32 * 8),
        row(
            "quantised_static", "1,3,16,16", madds=14 * 14 * 8 * 3 * 9 + 8 * 10
        ),  # a 3×3 convolution, then a classifier
        row("float8", "16,32:float8_e4m3fn", madds=16 * 32 * 48),
        row("custom_operator", "4,16"),
    ]


def row(name: str, *inputs: str, madds: int | None = None, twin: str | None = None) -> Row:
    """A function below, on ``inputs``; ``twin`` names another."""
    request = Request(f"{__name__}:{name}", inputs=inputs)
    return Row(request, madds=madds, twin=replace(request, target=f"{__name__}:{twin}") if twin else None)


def transformer() -> nn.Module:
    return nn.Transformer(64, 4, 2, 2, 96, batch_first=True)


def encoder() -> nn.Module:
    """What takes the fused fast path of ``nn.TransformerEncoderLayer`` in eval mode."""
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4, 96, batch_first=True), 2)


class Attention(nn.Module):
    """Self-attention without weights returned, what takes the fast path of ``nn.MultiheadAttention``."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(64, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


def attention() -> nn.Module:
    return Attention()


def lstm() -> nn.Module:
    return nn.LSTM(32, 48, num_layers=2, batch_first=True)


def gru() -> nn.Module:
    return nn.GRU(32, 48, num_layers=2, batch_first=True)


def elman() -> nn.Module:
    return nn.RNN(32, 48, batch_first=True)


def bidirectional() -> nn.Module:
    """With a projection, too."""
    return nn.LSTM(32, 48, bidirectional=True, proj_size=16, batch_first=True)


class Cells(nn.Module):
    """A loop written out."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.LSTMCell(32, 48), nn.GRUCell(48, 24)

    def forward(self, x: Tensor) -> Tensor:
        hidden, state = self.first(x)
        output = self.second(hidden)
        for _ in range(3):
            hidden, state = self.first(x, (hidden, state))
            output = self.second(hidden, output)
        return output


def cells() -> nn.Module:
    return Cells()


def waveform() -> nn.Module:
    """Convolutions in one dimension, with stride, dilation, groups and transposed."""
    return nn.Sequential(
        nn.Conv1d(1, 16, 10, stride=5),
        nn.Conv1d(16, 16, 3, padding="same", dilation=2, groups=4),
        nn.ReLU(),
        nn.ConvTranspose1d(16, 8, 4, stride=2, groups=2),
    )


def volume() -> nn.Module:
    """Convolutions in three dimensions."""
    return nn.Sequential(
        nn.Conv3d(1, 8, 3, padding=1),
        nn.BatchNorm3d(8),
        nn.ReLU(),
        nn.MaxPool3d(2),
        nn.Conv3d(8, 8, 3, groups=8),
        nn.ConvTranspose3d(8, 4, 2, stride=2),
    )


def upsampling() -> nn.Module:
    return nn.Sequential(
        nn.ConvTranspose2d(8, 8, 3, stride=2, groups=8, output_padding=1),
        nn.Upsample(scale_factor=2, mode="bicubic"),
        nn.Conv2d(8, 4, 1),
        nn.PixelShuffle(2),
    )


class Einsum(nn.Module):
    """Attention by hand."""

    def forward(self, q: Tensor, k: Tensor) -> Tensor:
        scores = torch.einsum("bhqd,bhkd->bhqk", q, k).softmax(-1)
        return torch.einsum("bhqk,bhkd->bqhd", scores, k).flatten(2)


def einsum() -> nn.Module:
    return Einsum()


def bilinear() -> nn.Module:
    return nn.Bilinear(8, 12, 6)


class Fourier(nn.Module):
    """A global filter: a product in the frequency domain."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, 32, 17, dtype=torch.complex64))
        self.head = nn.Conv2d(3, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.fft.irfft2(torch.fft.rfft2(x) * self.weight, s=x.shape[-2:]))


def fourier() -> nn.Module:
    return Fourier()


class Complex(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(16, 8, dtype=torch.complex64)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x).abs()


def complex() -> nn.Module:
    return Complex()


class Bag(nn.Module):
    """Tables that are read row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(1000, 16, mode="mean", sparse=True)
        self.table = nn.Embedding(1000, 16, sparse=True)
        self.head = nn.Linear(16, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.bag(tokens) + self.table(tokens).sum(1))


def bag() -> nn.Module:
    return Bag()


class Sampler(nn.Module):
    """A spatial transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.locate = nn.Linear(4 * 16 * 16, 6)

    def forward(self, x: Tensor) -> Tensor:
        grid = F.affine_grid(self.locate(x.flatten(1)).view(-1, 2, 3), list(x.shape), align_corners=False)
        return F.grid_sample(x, grid, align_corners=False)


def sampler() -> nn.Module:
    return Sampler()


@dataclass
class Scores:
    """Outputs with names."""

    values: Tensor
    hidden: tuple[Tensor, ...]


class Nested(nn.Module):
    """Two inputs of different types, outputs in a dataclass in a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(16, 32), nn.Linear(32, 4)

    def forward(self, x: Tensor, mask: Tensor) -> dict[str, Any]:
        hidden = self.first(x.masked_fill(mask, 0.0)).relu()
        return {"scores": Scores(self.second(hidden), (x, hidden)), "count": x.shape[0]}


def nested() -> nn.Module:
    return Nested()


def network() -> nn.Sequential:
    """What the next two are made from."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)
    )


def scripted() -> nn.Module:
    """A TorchScript module."""
    return torch.jit.script(network().eval())


def exported() -> nn.Module:
    """An exported program."""
    return torch.export.export(network().eval(), (torch.zeros(1, 3, 32, 32),)).module()


def quantised_dynamic() -> nn.Module:
    """Weights in eight bits, activations quantised on the way."""
    network = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8))
    return torch.ao.quantization.quantize_dynamic(network, {nn.Linear}, dtype=torch.qint8)


class QuantisedStatic(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.quant, self.dequant = torch.ao.quantization.QuantStub(), torch.ao.quantization.DeQuantStub()
        self.conv, self.relu, self.head = nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.dequant(self.head(self.relu(self.conv(self.quant(x))).mean((2, 3))))


def quantised_static() -> nn.Module:
    """Convolution and classifier in eight bits."""
    network = QuantisedStatic().eval()
    network.qconfig = torch.ao.quantization.get_default_qconfig("x86")  # type: ignore[assignment]
    for parameter in network.parameters():
        nn.init.constant_(parameter, 0.1)  # what calibrates must be finite
    prepared = torch.ao.quantization.prepare(network)
    prepared(torch.rand(1, 3, 16, 16))
    return torch.ao.quantization.convert(prepared)


class Float8(nn.Module):
    """A product in eight-bit floating point, scaled."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(48, 32).to(torch.float8_e4m3fn))

    def forward(self, x: Tensor) -> Tensor:
        scale = torch.ones((), device=x.device)
        return torch._scaled_mm(x, self.weight.t(), scale, scale, out_dtype=torch.bfloat16)


def float8() -> nn.Module:
    return Float8()


@torch.library.custom_op("mac_audit_corpus::twice", mutates_args=())
def _twice(x: Tensor) -> Tensor:
    """An operator of somebody's own, with a formula of theirs."""
    return 2 * x


@_twice.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x)


@formula("mac_audit_corpus.twice")
def _(out: Operand) -> Work:
    return Work("elementwise", other_ops=out.numel)


class CustomOperator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(16, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(_twice(x))


def custom_operator() -> nn.Module:
    return CustomOperator()

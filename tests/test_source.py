"""Operators and layers know the line of the user's file; each line that is meant is marked ``# here``."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner

from mac_audit import engine
from mac_audit.capture import capture
from mac_audit.cli import main
from mac_audit.load import load
from mac_audit.lower import lower
from mac_audit.network import Network, Source
from mac_audit.profile import Profile
from mac_audit.report import Snippet
from mac_audit.rule import discover
from mac_audit.source import texts

HEADER = """\
import copy
import torch
import torch.nn.functional as F
from torch import nn

"""


class Case:
    """A model file, captured."""

    def __init__(self, folder: Path, body: str, inputs: str = "1,3,8,8") -> None:
        self.path = folder / "subject.py"
        self.path.write_text(HEADER + dedent(body), encoding="utf-8")
        loaded = load(str(self.path), inputs=[inputs])
        self.network: Network = lower(capture(loaded.model, loaded.inputs))

    def marked(self, mark: str = "here") -> list[Source]:
        """The lines that end in ``# mark``."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return [
            Source(str(self.path.resolve()), number)
            for number, line in enumerate(lines, 1)
            if line.endswith(f"# {mark}")
        ]

    def layer(self, path: str) -> Source | None:
        """The line that constructed a layer."""
        return next(layer.source for layer in self.network.layers if layer.path == path)

    def operator(self, name: str) -> list[Source | None]:
        """The lines of every operator of a name, each once."""
        lines = (op.source for op in self.network.operators if op.target.split(".")[1].removesuffix("_") == name)
        return list(dict.fromkeys(lines))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_layer_and_operator_of_a_class(folder: Path) -> None:
    case = Case(
        folder,
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(  # constructed
                    3, 4, 3
                )
                self.act = nn.ReLU()

            def forward(self, x):
                x = x * 2  # mul
                y = self.conv(x)  # conv
                return self.act(y)  # relu
        """,
    )
    assert [case.layer("conv")] == case.marked("constructed")
    for operator, mark in {"mul": "mul", "convolution": "conv", "relu": "relu"}.items():
        assert case.operator(operator) == case.marked(mark)


def test_sequential_layers_have_lines_of_their_own(folder: Path) -> None:
    case = Case(
        folder,
        """
        model = nn.Sequential(
            nn.Conv2d(3, 4, 3),  # first
            nn.ReLU(),
            nn.Conv2d(4, 5, 3),  # second
        )
        """,
    )
    assert [case.layer("0")] == case.marked("first")
    assert [case.layer("2")] == case.marked("second")


def test_layers_built_in_a_loop_share_its_line(folder: Path) -> None:
    case = Case(
        folder,
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                layers = []
                for _ in range(3):
                    layers.append(nn.Conv2d(3, 3, 1))  # here
                self.layers = nn.ModuleList(layers)
                self.more = nn.ModuleList([
                    nn.Conv2d(3, 3, 1)  # comprehension
                    for _ in range(2)
                ])

            def forward(self, x):
                for layer in [*self.layers, *self.more]:
                    x = layer(x)  # call
                return x
        """,
    )
    (line,) = case.marked()
    assert [case.layer(f"layers.{index}") for index in range(3)] == [line] * 3
    assert case.operator("convolution") == case.marked("call")
    found = case.layer("more.0")
    assert found is not None
    (inside,) = case.marked("comprehension")
    assert found.line in (inside.line - 1, inside.line)  # the statement that holds it, or the element itself


def test_helper_function_stands_back_behind_the_constructor(folder: Path) -> None:
    case = Case(
        folder,
        """
        def conv3x3(c_in, c_out):
            return nn.Conv2d(c_in, c_out, 3)

        def block(c_in, c_out):
            return nn.Sequential(conv3x3(c_in, c_out), nn.ReLU())

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.stem = conv3x3(3, 4)  # stem
                self.body = block(4, 4)  # body

            def forward(self, x):
                return self.body(self.stem(x))
        """,
    )
    assert [case.layer("stem")] == case.marked("stem")
    assert [case.layer("body")] == case.marked("body")
    assert [case.layer("body.0")] == case.marked("body")


def test_method_that_builds_is_the_line(folder: Path) -> None:
    """As in torchvision's ResNet, where ``_make_layer`` chose the block."""
    case = Case(
        folder,
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = self._make(3)

            def _make(self, channels):
                return nn.Sequential(nn.Conv2d(channels, channels, 1))  # here

            def forward(self, x):
                return self.layer(x)

        model = Net()
        """,
    )
    assert [case.layer("layer.0")] == case.marked()


def test_factory_outside_any_class(folder: Path) -> None:
    case = Case(
        folder,
        """
        def build_model():
            layers = [nn.Conv2d(3, 4, 3)]  # here
            return nn.Sequential(*layers)
        """,
    )
    assert [case.layer("0")] == case.marked()


def test_functional_calls_through_a_helper(folder: Path) -> None:
    case = Case(
        folder,
        """
        def activate(x):
            return F.relu(x) + 1

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = nn.Parameter(torch.zeros(4, 3, 1, 1))

            def forward(self, x):
                x = F.conv2d(x, self.weight)  # conv
                return self.head(x)

            def head(self, x):
                return activate(x)  # here
        """,
    )
    assert case.operator("convolution") == case.marked("conv")
    assert case.operator("relu") == case.marked()
    assert case.operator("add") == case.marked()


def test_operator_in_a_lambda_and_a_comprehension(folder: Path) -> None:
    case = Case(
        folder,
        """
        class Net(nn.Module):
            def forward(self, x):
                f = lambda y: y.sigmoid()
                x = f(x)  # sigmoid
                return torch.stack([row.tanh() for row in x])  # here
        """,
    )
    assert case.operator("sigmoid") == case.marked("sigmoid")
    assert case.operator("tanh") == case.marked()


def test_helper_that_takes_a_module_stands_back(folder: Path) -> None:
    case = Case(
        folder,
        """
        def residual(block, x):
            return block(x) + x

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 3, 1)

            def forward(self, x):
                return residual(self.conv, x)  # here
        """,
    )
    assert case.operator("add") == case.marked()


def test_inner_module_of_the_user_is_the_line(folder: Path) -> None:
    case = Case(
        folder,
        """
        class Block(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.conv = nn.Conv2d(channels, channels, 1)  # inner

            def forward(self, x):
                return x + self.conv(x)  # add

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.blocks = nn.Sequential(*[Block(3) for _ in range(2)])  # outer

            def forward(self, x):
                return self.blocks(x)

        model = Net()
        """,
    )
    assert [case.layer("blocks.0"), case.layer("blocks.1")] == case.marked("outer") * 2
    assert [case.layer("blocks.1.conv")] == case.marked("inner")
    assert case.operator("add") == case.marked("add")


def test_copied_layers_keep_the_line_of_the_original(folder: Path) -> None:
    case = Case(
        folder,
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)  # layer
                self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)  # encoder
                self.one = nn.Linear(8, 8)  # one
                self.two = copy.deepcopy(self.one)

            def forward(self, x):
                return self.two(self.one(self.encoder(x)))  # call
        """,
        inputs="1,5,8",
    )
    assert [case.layer("encoder")] == case.marked("encoder")
    assert [case.layer("encoder.layers.0"), case.layer("encoder.layers.1")] == case.marked("layer") * 2
    assert [case.layer("encoder.layers.1.linear1")] == case.marked("layer")
    assert [case.layer("two")] == case.marked("one")
    assert case.operator("addmm") == case.marked("call")


def test_subclass_of_a_layer(folder: Path) -> None:
    """The line that constructed it, not the ``super().__init__`` inside; its own forward for its operators."""
    case = Case(
        folder,
        """
        class Same(nn.Conv2d):
            def __init__(self, c_in, c_out):
                super().__init__(c_in, c_out, 3, padding=1)

            def forward(self, x):
                x = x * 2  # mul
                return super().forward(x)  # conv

        class ConvNorm(nn.Sequential):
            def __init__(self, c_in, c_out):
                super().__init__(
                    Same(c_in, c_out),  # inner
                    nn.BatchNorm2d(c_out),
                )

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.same = Same(3, 4)  # same
                self.norm = ConvNorm(4, 4)  # outer

            def forward(self, x):
                return self.norm(self.same(x))

        model = Net()
        """,
    )
    assert [case.layer("same")] == case.marked("same")
    assert [case.layer("norm")] == case.marked("outer")
    assert [case.layer("norm.0")] == case.marked("inner")
    assert case.operator("mul") == case.marked("mul")
    assert case.operator("convolution") == case.marked("conv")


def test_closure_over_self(folder: Path) -> None:
    """``self`` is a cell of the method here, and still its first argument."""
    case = Case(
        folder,
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                make = lambda: nn.Conv2d(3, self.width(), 1)
                self.conv = make()  # here

            def width(self):
                return 4

            def forward(self, x):
                def inner(y):
                    return self.conv(y).relu()
                return inner(x)  # call
        """,
    )
    assert [case.layer("conv")] == case.marked()
    assert case.operator("relu") == case.marked("call")


def test_class_method_and_static_method(folder: Path) -> None:
    case = Case(
        folder,
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = self.make(3)  # here
                self.other = Net.build(3)  # build

            @staticmethod
            def make(channels):
                return nn.Conv2d(channels, channels, 1)

            @classmethod
            def build(cls, channels):
                return nn.Conv2d(channels, channels, 1)

            def forward(self, x):
                return self.other(self.conv(x))

        model = Net()
        """,
    )
    assert [case.layer("conv")] == case.marked()
    assert [case.layer("other")] == case.marked("build")


def test_findings_show_the_expression(folder: Path) -> None:
    """The part of the line that made the call, with columns of characters where the source has wide ones."""
    case = Case(
        folder,
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                é = 8; self.conv = nn.Conv2d(é, 64, 1)
                self.many = nn.ModuleList(nn.Conv2d(64, 8, 1) for _ in "ab")
                self.last = nn.Conv2d(
                    8, 64, 1)

            def forward(self, x):
                x = self.conv(x)
                x = self.many[0](x)+self.many[1](x)
                return self.last(x)
        """,
        inputs="1,8,8,8",
    )
    report = engine.audit(Profile(case.network), discover(), target="subject.py", options={"G4": {"limit": 0.0}})
    shown = {finding.layer: finding.snippet for finding in report.findings}
    assert shown["conv"] == Snippet("        é = 8; self.conv = ", "nn.Conv2d(é, 64, 1)", "", 28)
    assert shown["many.0"] == Snippet(
        "        self.many = nn.ModuleList(", "nn.Conv2d(64, 8, 1)", ' for _ in "ab")', 35
    )
    assert shown["last"] == Snippet("        self.last = ", "nn.Conv2d(", "", 21)
    assert shown[""] == Snippet("        x = ", "self.many[0](x)+self.many[1](x)", "", 13)
    again = Network.from_json(case.network.to_json())
    case.path.write_text("# the file has changed since\n", encoding="utf-8")
    judged = engine.audit(Profile(again), discover(), target="subject.py", options={"G4": {"limit": 0.0}})
    assert judged.findings == report.findings


def test_a_column_is_that_of_the_file_however_the_line_is_shown(tmp_path: Path) -> None:
    """Tabs are shown as one space, and of a long line the middle is left out."""
    path = tmp_path / "tabs.py"
    lines = [
        "from torch import nn",
        "class Net(nn.Sequential):",
        "\tdef __init__(self):",
        "\t\tnarrow = nn.Conv2d(64, 4, 1)",
        f"\t\tnote = {'long' * 150!r}; super().__init__(narrow, nn.Conv2d(4, 64, 1))",
    ]
    path.write_text("\n".join(lines))
    report = CliRunner().invoke(main, [f"{path}:Net", "--input", "1,64,8,8", "--no-isolation", "--quiet"]).stdout
    assert f"{path}:4:{lines[3].index('nn.Conv2d') + 1}: G1" in report
    assert f"{path}:5:{lines[4].index('nn.Conv2d') + 1}: G1" in report


def test_lines_that_cannot_be_read_are_left_out(folder: Path) -> None:
    (folder / "binary.py").write_bytes(b"\xff\xfe\x00")
    files = ["<string>", "\0", "a" * 5000, "/dev/zero", str(folder), str(folder / "binary.py")]
    assert texts(Source(file, 1) for file in files) == {}

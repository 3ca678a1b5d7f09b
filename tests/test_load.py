"""Targets: how a model is found in a file, how it is built, and where its inputs come from."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from mac_audit.capture import capture
from mac_audit.cli.options import parse_argument
from mac_audit.errors import MacAuditError
from mac_audit.inputs import parse_input
from mac_audit.load import ON_META, REAL, load

HEAD = "import torch\nfrom torch import nn\n"
NET = """
class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.fc = nn.Linear(3, width)
    def forward(self, x):
        return self.fc(x)
"""


@pytest.fixture
def write(tmp_path: Path, request: pytest.FixtureRequest):
    """Write a model file; its path. Its module is forgotten afterwards."""
    written: list[str] = []

    def make(body: str, name: str | None = None) -> str:
        stem = name or f"model_{abs(hash(request.node.nodeid)) % 10**8}_{len(written)}"
        written.append(stem)
        path = tmp_path / f"{stem}.py"
        path.write_text(HEAD + body)
        return str(path)

    yield make
    for stem in written:
        sys.modules.pop(stem, None)


@pytest.mark.parametrize(
    "body",
    [
        NET + "model = Net()\n",
        NET + "def model():\n    return Net()\n",
        NET + "def build_model():\n    return Net()\n",
        NET + "def get_model():\n    return Net()\n",
        NET,
        NET + "class Part(nn.Module):\n    def __init__(self, size):\n        super().__init__()\n",
        "from torch.nn import Linear, Conv2d\n" + NET,
        NET + "model = Net()\ndef get_model():\n    return model\n",
    ],
    ids=["object", "model()", "build_model()", "get_model()", "class", "other needs arguments", "imported", "both"],
)
def test_conventions(write, body: str) -> None:
    loaded = load(write(body), inputs=["2,3"])
    assert type(loaded.model).__name__ == "Net"
    assert loaded.construction == ON_META
    assert {parameter.device.type for parameter in loaded.model.parameters()} == {"meta"}


def test_several_candidates_are_listed(write) -> None:
    path = write(NET + "class Other(nn.Module):\n    pass\n")
    with pytest.raises(MacAuditError, match=r"Several models fit .*Net, Other; name one, as in .*:Other"):
        load(path, inputs=["2,3"])
    assert type(load(f"{path}:Net", inputs=["2,3"]).model).__name__ == "Net"


def test_no_candidate_says_what_to_do(write) -> None:
    with pytest.raises(MacAuditError, match=r"There is no model in .* by convention; define model"):
        load(write("x = 1\n"))
    with pytest.raises(MacAuditError, match=r"name one of net, Net, as in .*:Net"):
        load(write(NET.replace("width=4", "width") + "net = Net(2)\n"), inputs=["2,3"])


def test_arguments(write) -> None:
    path = write(NET)
    assert load(path, {"width": 7}, ["2,3"]).model.fc.out_features == 7
    with pytest.raises(MacAuditError, match="unexpected keyword argument 'depth'; give arguments with --arg"):
        load(f"{path}:Net", {"depth": 7}, ["2,3"])
    assert parse_argument("width=1.5") == ("width", 1.5)
    assert parse_argument("flag=true") == ("flag", True)
    assert parse_argument("sizes=[1, 2]") == ("sizes", [1, 2])
    assert parse_argument("name=resnet=50") == ("name", "resnet=50")
    with pytest.raises(MacAuditError, match="is not key=value"):
        parse_argument("width")


def test_inputs() -> None:
    name, tensor = parse_input("1,3,224,224")
    assert (name, tuple(tensor.shape), tensor.dtype) == (None, (1, 3, 224, 224), torch.float32)
    name, tensor = parse_input("ids=1,77:int64")
    assert (name, tuple(tensor.shape), tensor.dtype, tensor.device.type) == ("ids", (1, 77), torch.int64, "meta")
    assert parse_input("scale=:float16")[1].shape == ()
    for wrong in ("1x3", "1,3:floaty", "", "a-b=1"):
        with pytest.raises(MacAuditError, match="--input"):
            parse_input(wrong)


@pytest.mark.parametrize(
    ("example", "names"),
    [
        ("(torch.zeros(2, 3),)", ["x"]),
        ("torch.zeros(2, 3)", ["x"]),
        ("{'x': torch.zeros(2, 3)}", ["x"]),
        ("lambda: (torch.zeros(2, 3),)", ["x"]),
    ],
)
def test_example_inputs_of_the_file(write, example: str, names: list[str]) -> None:
    loaded = load(write(NET + f"example_inputs = {example}\n"))
    graph = capture(loaded.model, loaded.inputs).graph
    assert [node.meta["name"] for node in graph.nodes if node.op == "placeholder"] == names


def test_example_inputs_that_raise_name_the_line(write) -> None:
    with pytest.raises(MacAuditError, match=r"example_inputs of .* raised ZeroDivisionError at .*\.py:11"):
        load(write(NET + "def example_inputs():\n    return torch.zeros(1 // 0)\n") + ":Net")


def test_given_inputs_come_first(write) -> None:
    loaded = load(write(NET + "example_inputs = torch.zeros(2, 3)\n"), inputs=["5,3"])
    assert [tuple(tensor.shape) for tensor in loaded.inputs.tensors] == [(5, 3)]


@pytest.mark.parametrize("attribute", ["input_size = (3, 8, 8)", "default_cfg = {'input_size': (3, 8, 8)}"])
def test_input_size_of_the_model(write, attribute: str) -> None:
    loaded = load(write(NET.replace("super().__init__()", f"super().__init__(); self.{attribute}")))
    assert [tuple(tensor.shape) for tensor in loaded.inputs.tensors] == [(1, 3, 8, 8)]


def test_without_inputs_the_error_says_how(write) -> None:
    with pytest.raises(MacAuditError, match="--input 1,3,224,224"):
        load(write(NET))


def test_a_constructor_that_needs_values_gets_real_parameters(write) -> None:
    body = NET + "class Picky(Net):\n    def __init__(self):\n        super().__init__()\n"
    body += "        self.count = int(self.fc.weight.abs().sum() >= 0)\n"
    loaded = load(write(body) + ":Picky", inputs=["2,3"])
    assert loaded.construction == REAL
    assert loaded.model.count in (0, 1)


def test_a_constructor_may_compute(write) -> None:
    body = NET.replace(
        "self.fc = nn.Linear(3, width)", "self.fc = nn.Linear(3, int(torch.linspace(0, 8, 3)[-1].item()))"
    )
    loaded = load(write(body), inputs=["2,3"])
    assert loaded.construction == ON_META
    assert loaded.model.fc.out_features == 8


def test_tied_parameters_stay_tied(write) -> None:
    body = NET.replace(
        "self.fc = nn.Linear(3, width)",
        "self.fc = nn.Linear(3, 3); self.again = nn.Linear(3, 3); w = nn.Parameter("
        "torch.ones(3, 3)); self.fc.weight = w; self.again.weight = w",
    )
    loaded = load(write(body), inputs=["2,3"])
    assert loaded.model.fc.weight is loaded.model.again.weight


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (NET + "model = Net(1, 2, 3)\n", r"raised TypeError at .*\.py:10"),
        ("import nonesuch_package\n", "ModuleNotFoundError.*nonesuch_package.*install it"),
        ("def broken(:\n", r"syntax error at .*\.py:3"),
        ("import sys\nsys.exit(3)\n", r"ended the program at .*\.py:4"),
        ("def build_model():\n    return 3\n", "gives a int, not a torch.nn.Module"),
    ],
)
def test_errors_of_the_users_code(write, body: str, message: str) -> None:
    with pytest.raises(MacAuditError, match=message):
        load(write(body), inputs=["2,3"])


def test_a_file_that_parses_the_command_line_sees_none(write) -> None:
    body = "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--width', type=int, default=6)\n"
    path = write(body + "width = parser.parse_args().width\n" + NET + "model = Net(width)\n")
    before = list(sys.argv)
    assert load(path, inputs=["2,3"]).model.fc.out_features == 6
    assert sys.argv == before


def test_relative_imports_are_told_how(write) -> None:
    with pytest.raises(MacAuditError, match=r"part of its package, as in package\.module:Name"):
        load(write("from .parts import Net\n"), inputs=["2,3"])


def test_files_and_names_that_are_not_there(write, tmp_path: Path) -> None:
    with pytest.raises(MacAuditError, match="There is no file"):
        load(str(tmp_path / "nonesuch.py"))
    with pytest.raises(MacAuditError, match="Did you mean Net"):
        load(write(NET) + ":Nett", inputs=["2,3"])
    with pytest.raises(MacAuditError, match="is no target"):
        load("nonesuch")
    with pytest.raises(MacAuditError, match=r"did you mean .*shufflenet_v2_x1_0"):
        load("zoo:shufflenet_v2_x1")
    with pytest.raises(MacAuditError, match="no module 'nonesuch'"):
        load("nonesuch:model")


def test_importable_module(write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(NET + "def build(width):\n    return Net(width)\n", name="importable_models")
    monkeypatch.chdir(tmp_path)
    loaded = load("importable_models:build", {"width": 9}, ["2,3"])
    assert loaded.model.fc.out_features == 9


def test_torchvision(torchvision: ModuleType) -> None:
    loaded = load("torchvision:inception_v3", {"init_weights": False})
    assert [tuple(tensor.shape) for tensor in loaded.inputs.tensors] == [(1, 3, 299, 299)]
    assert all(parameter.device.type == "meta" for parameter in loaded.model.parameters())


def test_modules_are_as_before(write) -> None:
    before = nn.Module.__init__, nn.Module.register_parameter, nn.Module.__call__
    load(write(NET), inputs=["2,3"])
    with pytest.raises(MacAuditError):
        load(write("1 / 0\n"))
    assert (nn.Module.__init__, nn.Module.register_parameter, nn.Module.__call__) == before


@pytest.mark.parametrize("target", ["{}", "{}:Net"])
def test_an_argument_with_a_slip_of_the_pen(write, target: str) -> None:
    path = write(NET.replace("width", "depth"))
    with pytest.raises(MacAuditError, match=r"cannot be called: .*'depht'.* Did you mean depth\?"):
        load(target.format(path), {"depht": 2}, ["1,3,8,8"])

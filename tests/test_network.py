"""Networks as JSON, what a broken file says, and which module imports which."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import mac_audit
from mac_audit.capture import capture
from mac_audit.errors import MacAuditError
from mac_audit.load import load
from mac_audit.lower import lower
from mac_audit.network import Network
from mac_audit.profile import Profile

PACKAGE = Path(mac_audit.__file__).parent
RULES = PACKAGE.parent / "rules"


def network_of(target: str) -> Network:
    loaded = load(target)
    return lower(capture(loaded.model, loaded.inputs), loaded.construction)


def small() -> Network:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.MaxPool2d(2), nn.Softmax(1))
    return lower(capture(model, torch.empty(1, 3, 8, 8, device="meta")))


# --- JSON ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["shufflenet_v2_x0_5", "resnet18", "densenet121"])
def test_round_trip(name: str) -> None:
    network = network_of(f"zoo:{name}")
    again = Network.from_json(network.to_json())
    assert again == network
    assert Profile(again).total == Profile(network).total
    assert again.readers == network.readers
    assert again.parameters == network.parameters


class Odd(nn.Module):
    """Arguments of many types: None, lists with None, infinities, types, strings."""

    def forward(self, x: torch.Tensor, i: torch.Tensor) -> Any:
        x = x.masked_fill(x > 0, float("-inf")).half().float()
        y = nn.functional.gelu(x[:, i], approximate="tanh").clamp(min=0.5)
        return y, torch.full((2,), float("nan")), torch.zeros(2, dtype=torch.bool), y.sum(-1, keepdim=True)


def test_round_trip_of_odd_arguments() -> None:
    inputs = torch.empty(2, 4, device="meta"), torch.empty(3, dtype=torch.int64, device="meta")
    network = lower(capture(Odd(), inputs))
    text = network.to_json()
    assert Network.from_json(text) == network

    def refused(constant: str) -> float:
        raise AssertionError(f"{constant} is not JSON")

    json.loads(text, parse_constant=refused)


def test_document_has_a_schema_version() -> None:
    assert json.loads(small().to_json())["schema_version"] == 1


def test_network_is_about_its_operators() -> None:
    """Indices hold together: every result is made once, before it is read."""
    network = network_of("zoo:shufflenet_v2_x0_5")
    known = {index for index, tensor in enumerate(network.tensors) if tensor.role in ("input", "parameter", "buffer")}
    known -= set(network.producers)
    for operator in network.operators:
        assert known.issuperset(operator.inputs)
        assert not known.intersection(operator.outputs)
        known.update(operator.outputs)
    assert known.issuperset(network.outputs)


def broken(change: Any) -> str:
    data = json.loads(small().to_json())
    change(data)
    return json.dumps(data)


def change_at(*path: Any, value: Any) -> Any:
    def change(data: Any) -> None:
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = value

    return change


def remove_at(*path: Any) -> Any:
    def change(data: Any) -> None:
        for key in path[:-1]:
            data = data[key]
        del data[path[-1]]

    return change


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (change_at("tensors", 0, "shape", value="1,3,8,8"), r"saved\.tensors\[0\]\.shape should be a list"),
        (change_at("tensors", 0, "shape", 1, value=3.5), r"saved\.tensors\[0\]\.shape\[1\] should be int, but is 3\.5"),
        (change_at("tensors", 0, "shape", 1, value=True), r"saved\.tensors\[0\]\.shape\[1\] should be int"),
        (change_at("tensors", 0, "shape", 1, value=None), r"saved\.tensors\[0\]\.shape\[1\] should be int"),
        (change_at("tensors", 0, "role", value="guest"), r"saved\.tensors\[0\]\.role should be .*'parameter'"),
        (change_at("tensors", 0, "role", value=[]), r"saved\.tensors\[0\]\.role"),
        (change_at("tensors", value={}), r"saved\.tensors should be a list"),
        (change_at("layers", 0, value=7), r"saved\.layers\[0\] should be an object"),
        (
            change_at("layers", 0, "sources", value=[{"file": "a.py"}]),
            r"saved\.layers\[0\]\.sources\[0\] lacks the key 'line'",
        ),
        (change_at("operators", 0, "arguments", value=[]), r"saved\.operators\[0\]\.arguments should be an object"),
        (change_at("operators", 0, "arguments", "stride", value=[[1]]), r"saved\.operators\[0\]\.arguments\.stride"),
        (change_at("operators", 0, "view", value=0), r"saved\.operators\[0\]\.view should be bool"),
        (change_at("capture", "torch", value=2), r"saved\.capture\.torch should be str"),
        (change_at("extra", value=1), r"saved has an unknown key 'extra'"),
        (change_at("tensors", 0, "colour", value=1), r"saved\.tensors\[0\] has an unknown key 'colour'"),
        (remove_at("operators"), r"saved lacks the key 'operators'"),
        (remove_at("tensors", 0, "dtype"), r"saved\.tensors\[0\] lacks the key 'dtype'"),
        (change_at("schema_version", value=99), r"saved has schema version 99.*reads 1"),
        (change_at("schema_version", value="1"), r"saved has schema version '1'"),
        (remove_at("schema_version"), r"saved has no schema_version"),
    ],
)
def test_broken_document_names_the_place(change: Any, text: str) -> None:
    with pytest.raises(MacAuditError, match=text):
        Network.from_json(broken(change), "saved")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"', "{'a': 1}", "\x00"])
def test_what_is_no_document_is_told(text: str) -> None:
    with pytest.raises(MacAuditError, match="saved"):
        Network.from_json(text, "saved")


def test_truncated_document_is_told() -> None:
    text = small().to_json()
    for length in range(0, len(text), len(text) // 23):
        with pytest.raises(MacAuditError, match="saved is not JSON"):
            Network.from_json(text[:length], "saved")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_number_that_is_none_is_told(number: str) -> None:
    text = broken(change_at("operators", 1, "arguments", "eps", value="HERE")).replace('"HERE"', number)
    with pytest.raises(MacAuditError, match="saved"):
        Network.from_json(text, "saved")


@pytest.mark.parametrize("index", [10_000, -1])
def test_reference_to_no_tensor_is_told(index: int) -> None:
    with pytest.raises(MacAuditError, match="saved"):
        Network.from_json(broken(change_at("operators", 0, "arguments", "input", value={"tensor": index})), "saved")


# --- who imports whom ----------------------------------------------------------------------------------------------

# What each module may import of this package, besides what those may in turn; modules that are not here may all.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "units": set(),
    "files": {"errors"},
    "garbage": set(),
    "request": set(),
    "closed_network": set(),
    "isolation": {"request", "plain", "units"},
    "plain": {"errors"},
    "network": {"plain"},
    "cost": {"network"},
    "formulas": {"cost"},
    "fusion": {"network"},
    "execution": {"fusion"},
    "structure": {"network"},
    "plugins": {"formulas"},
    "liveness": {"network"},
    "counterfactual": {"cost"},
    "interface": {"cost"},
    "evidence": {"plain"},
    "device": {"cost"},
    "timing": {"device"},
    "device_file": {"device", "plain", "files"},
    "profile": {"formulas", "execution", "structure", "liveness", "counterfactual", "interface", "timing", "evidence"},
    "rule": {"profile", "report", "units"},
    "selection": {"rule"},
    "report": {"plain", "network", "units", "evidence"},
    "fingerprint": {"report"},
    "engine": {"page", "report", "fingerprint", "request"},
    "comments": set(),
    "suppress": {"rule", "report", "comments", "files"},
    "baseline": {"report", "fingerprint", "files"},
    "config": {"request", "suppress", "files"},
    "diff": {"report"},
    "increase": {"diff", "units"},
    "ranks": set(),
    "comparison": {"report", "ranks"},
    "sweep": {"report"},
    "reporters": {"report", "units", "diff", "comparison", "sweep", "device"},
    "page": {"rule"},
    "scan": set(),
}
SHOWS_ITSELF = {"report": {"reporters"}}  # by a method that a notebook calls, imported when it is called
WITHOUT_TORCH = {*MAY_IMPORT, "job", "parallel", "keeper", "settings", "provenance", "cli", "__main__"}
ONLY_IN: dict[str, set[str]] = {
    "networkx": {"structure"},
    "click": {"cli", "__main__"},
    "rich": {
        "cli",
        *(
            f"reporters.{name}"
            for name in ("compare_table", "diff_table", "models", "sweep_table", "table", "terminal")
        ),
        *(f"reporters.{name}" for name in ("findings", "layer_table")),  # parts of table
    },
    "plotly": {"reporters.html.page"},
}


def imports(tree: ast.AST) -> Iterator[str]:
    """Dotted names of what is imported anywhere in a file, also inside functions; not for type checkers alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imports(node)


FILES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def read(path: Path) -> list[str]:
    return list(imports(ast.parse(path.read_text(encoding="utf-8"))))


def part(name: str) -> str | None:
    """The module or sub-package of mac_audit that a dotted name lies in."""
    package, *rest = name.split(".")
    return rest[0] if package == "mac_audit" and rest else None


def allowed(module: str) -> set[str]:
    found = {"errors", module}
    for name in MAY_IMPORT[module]:
        found |= {name} | allowed(name)
    return found


@pytest.mark.parametrize("module", FILES)
def test_module_imports_only_what_stands_left_of_it(module: str) -> None:
    top = module.split(".", maxsplit=1)[0]
    if top in MAY_IMPORT:
        found = {own for name in read(FILES[module]) if (own := part(name)) is not None}
        assert found <= allowed(top) | SHOWS_ITSELF.get(module, set())


@pytest.mark.parametrize("module", FILES)
def test_library_is_imported_where_it_belongs(module: str) -> None:
    top = module.split(".", maxsplit=1)[0]
    parts = module.split(".")
    within = {".".join(parts[: i + 1]) for i in range(len(parts))}
    for name in read(FILES[module]):
        library = name.split(".")[0]
        assert not within.isdisjoint(ONLY_IN.get(library, {module})), f"{module} imports {name}"
        assert library != "torch" or top not in WITHOUT_TORCH, f"{module} imports {name}"


@pytest.mark.parametrize("path", sorted(RULES.glob("*.py")), ids=lambda path: path.stem)
def test_rules_import_what_anybodys_rule_may(path: Path) -> None:
    public = {"mac_audit", "mac_audit.rule", "mac_audit.report", "mac_audit.profile"}
    for name in read(path):
        top = name.split(".")[0]
        assert top == "__future__" or top in sys.stdlib_module_names or name.rpartition(".")[0] in public


IMPORTED_WITHOUT_TORCH = (
    *("mac_audit", "mac_audit.network", "mac_audit.profile", "mac_audit.engine", "mac_audit.report", "mac_audit.rule"),
    *(
        "mac_audit.plugins",
        "mac_audit.reporters",
        "mac_audit.reporters.json",
        "mac_audit.reporters.table",
        "mac_audit.cli",
    ),
    *("mac_audit.config", "mac_audit.settings", "mac_audit.job", "mac_audit.parallel", "mac_audit.baseline"),
    "mac_audit.measuring.store",
    "mac_audit.experiments.kept",
)


def test_torch_stays_out_until_a_model_is_loaded() -> None:
    """Each in turn in one process; the first that brings torch is named."""
    program = f"""
import importlib, sys
for name in {IMPORTED_WITHOUT_TORCH!r}:
    importlib.import_module(name)
    if "torch" in sys.modules:
        sys.exit(f"{{name}} imports torch")
from mac_audit.rule import discover
assert discover()
if "torch" in sys.modules:
    sys.exit("a rule imports torch")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_saved_network_needs_no_torch(tmp_path: Path) -> None:
    """A network that was saved is costed where torch cannot be imported."""
    saved = tmp_path / "network.json"
    saved.write_text(small().to_json(), encoding="utf-8")
    program = f"""
import sys
sys.modules["torch"] = None
from pathlib import Path
from mac_audit.network import Network
from mac_audit.profile import Profile
print(Profile(Network.from_json(Path({str(saved)!r}).read_text())).total.madds)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 4 * 36 * 3 * 9

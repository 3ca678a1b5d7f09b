"""The command line as a user meets it: standard output, standard error, exit status."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from click.testing import CliRunner, Result

from mac_audit.cli import main

MODEL = """\
import torch
from torch import nn
print("built by hand")

class Net(nn.Module):
    def __init__(self, width=256):
        super().__init__()
        self.narrow = nn.Conv2d(8, width, 1)
        self.wide = nn.Conv2d(width, 8, 1)

    def forward(self, x):
        return self.wide(self.narrow(x)).relu()
"""
GUIDELINES = ["G1", "G2", "G3", "G4"]
BUDGETS = ["B1", "B2", "B3", "B4", "B5"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "net_of_test_cli.py"
    path.write_text(MODEL)
    return str(path)


def test_the_reference_passes() -> None:
    result = run("zoo:shufflenet_v2_x1_0")
    assert result.exit_code == 0
    assert "pass: no findings" in result.stdout
    assert result.stderr == ""


def test_findings_exit_1_and_name_the_line(model: str, capfd: pytest.CaptureFixture[str]) -> None:
    result = run(model, "--input", "1,8,32,32", "-o", "json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)  # what the model prints is not in the way
    assert "built by hand" in capfd.readouterr().err
    lines = {finding["layer"]: finding["source"]["line"] for finding in report["findings"]}
    assert lines == {"narrow": 8, "wide": 9}
    assert run(model, "--arg", "width=8", "--input", "1,8,32,32").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonesuch.py"], "There is no file nonesuch.py"),
        (["zoo:nonesuch"], "There is no model 'nonesuch'"),
        (["MODEL"], "give them with --input"),
        (["MODEL", "--input", "1,9,4,4"], r"raised RuntimeError at .*net_of_test_cli\.py:12"),
        (["MODEL", "--input", "one"], "--input 'one'"),
        (["MODEL", "--arg", "depth=3", "--input", "1,8,4,4"], "unexpected keyword argument .depth."),
        (["MODEL", "--input", "1,8,4,4", "-o", "tabel"], "Did you mean table"),
        (["MODEL", "--input", "1,8,4,4", "-o", "json", "-o", "table"], "Two formats"),
        (["MODEL", "--input", "1,8,4,4", "-o", "json=/nonesuch/x.json"], "cannot be written"),
    ],
)
def test_errors_are_one_sentence_and_exit_2(model: str, arguments: list[str], message: str) -> None:
    result = run(*(model if argument == "MODEL" else argument for argument in arguments))
    assert result.exit_code == 2
    assert re.search(message, result.stderr)
    assert "Traceback" not in result.output
    assert result.stdout == ""


@pytest.mark.parametrize("others", [[], ["zoo:resnet18"]])
def test_errors_from_other_people_s_code_are_printable(tmp_path: Path, others: list[str]) -> None:
    path = tmp_path / "raises_of_test_cli.py"
    path.write_text("raise ValueError('\\x1b[31mred \\u202egreen')\n")
    result = CliRunner().invoke(main, [str(path), *others], color=True)  # as on a terminal: nothing is stripped
    assert result.exit_code == 2
    assert r"\x1b[31mred \u202egreen" in result.stderr


def test_torch_keeps_its_tracebacks_to_itself(tmp_path: Path) -> None:
    """Its log has one where shapes do not fit, written behind the back of the command line."""
    path = tmp_path / "shapes_of_test_cli.py"
    path.write_text("import torch\n\nclass Net(torch.nn.Module):\n    def forward(self, x):\n        return x @ x\n")
    command = [sys.executable, "-m", "mac_audit", str(path), "--input", "2,3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{path}:5" in done.stderr
    assert "Traceback" not in done.stderr


def test_bad_option_exits_2() -> None:
    assert run("zoo:resnet18", "--execution", "imaginary").exit_code == 2
    assert run("zoo:resnet18", "--nonesuch").exit_code == 2


def test_traceback_on_request(model: str) -> None:
    result = run(model, "--input", "1,9,4,4", "--traceback")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert "net_of_test_cli.py" in result.stderr


def test_several_outputs(model: str, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    result = run(model, "--input", "1,8,32,32", "-o", "table", "-o", f"json={file}")
    assert "Findings" in result.stdout
    assert json.loads(file.read_text())["verdict"] == "fail"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_what_is_no_file_is_written_to_and_a_link_stays_one(model: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("old")
    (tmp_path / "link").symlink_to("report.json")
    os.mkfifo(tmp_path / "pipe")
    pipe = os.open(tmp_path / "pipe", os.O_RDWR)  # a reader, so that the writer need not wait
    outputs = ["-o", f"json={tmp_path / 'link'}", "-o", f"github={tmp_path / 'pipe'}"]
    assert run(model, "--input", "1,8,32,32", *outputs).exit_code == 1
    assert os.read(pipe, 8) == b"::error "
    os.close(pipe)
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "report.json").read_text())["verdict"] == "fail"


def test_two_runs_are_the_same_bytes(model: str) -> None:
    first, second = (run(model, "--input", "1,8,32,32", "-o", "json").stdout for _ in range(2))
    assert first == second


def test_strict_exits_1_on_unknown_operators(tmp_path: Path) -> None:
    path = tmp_path / "exponential_of_test_cli.py"
    path.write_text(
        "import torch\nclass Net(torch.nn.Module):\n"
        "    def forward(self, x):\n        return torch.linalg.matrix_exp(x)\n"
    )
    assert run(str(path), "--input", "8,8").exit_code == 0
    assert run(str(path), "--input", "8,8", "--strict").exit_code == 1


@pytest.mark.parametrize(
    ("name", "madds", "params"),
    [  # of the papers: He et al. as torchvision builds it, Sandler et al., Dosovitskiy et al. with attention counted
        ("resnet50", 4.09e9, 25.56e6),
        ("mobilenet_v2", 301e6, 3.50e6),
        ("vit_b_16", 17.6e9, 86.6e6),
    ],
)
def test_published_totals(torchvision: ModuleType, name: str, madds: float, params: float) -> None:
    totals = json.loads(run(f"torchvision:{name}", "-o", "json", "--no-isolation").stdout)["totals"]
    assert totals["madds"] == pytest.approx(madds, rel=0.003)
    assert totals["params"] == pytest.approx(params, rel=0.003)


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_help_does_not_import_torch() -> None:
    code = "import sys; from click.testing import CliRunner; from mac_audit.cli import main\n"
    code += "r = CliRunner().invoke(main, ['--help']); assert r.exit_code == 0, r.output\n"
    code += "assert 'zoo:NAME' in r.output; assert 'torch' not in sys.modules and 'rich' not in sys.modules"
    done = _python(code)
    assert done.returncode == 0, done.stderr


def test_rule_pages(tmp_path: Path) -> None:
    listing = run("rule")
    assert listing.exit_code == 0
    assert [line.split()[0] for line in listing.stdout.splitlines()] == [*BUDGETS, *GUIDELINES]
    assert run("rule", "g1").stdout == run("rule", "unequal-channels").stdout
    assert run("rule", "--all", "-o", "markdown").stdout.count("## Why") == len(BUDGETS) + len(GUIDELINES)
    (page,) = json.loads(run("rule", "G2", "-o", "json").stdout)
    assert page["options"]["limit"] == 0.025
    assert page["sections"].keys() == {"What it does", "Why", "Instead", "Options", "References"}
    assert "(default 0.025)" in page["sections"]["Options"]
    unknown = run("rule", "unequal-chanels")
    assert unknown.exit_code == 2
    assert "Did you mean unequal-channels?" in unknown.stderr


def test_every_option_of_a_rule_is_documented() -> None:
    for page in json.loads(run("rule", "--all", "-o", "json").stdout):
        for option in page["options"]:
            told = r"` \((default .+|has to be given)\): "
            assert re.search(f"`{option}{told}", page["sections"]["Options"]), (page["code"], option)


def test_rule_pages_do_not_import_torch() -> None:
    code = "import sys; from click.testing import CliRunner; from mac_audit.cli import main\n"
    code += "r = CliRunner().invoke(main, ['rule', 'G1']); assert r.exit_code == 0, r.output\n"
    code += "assert 'torch' not in sys.modules"
    done = _python(code)
    assert done.returncode == 0, done.stderr


def test_zoo_lists_verdicts() -> None:
    result = run("zoo", "mobilenet_v1_x0_25", "--batch", "1", "--batch", "2")
    assert result.exit_code == 0
    _, first, second, *_ = result.stdout.splitlines()
    assert first.startswith("mobilenet_v1_x0_25")
    assert "2×224²" in second
    assert second.endswith("!")  # breaks G4
    assert run("zoo", "nonesuch*").exit_code == 2


def test_lazy_layers_are_told(tmp_path: Path) -> None:
    path = tmp_path / "lazy_of_test_cli.py"
    path.write_text("from torch import nn\nmodel = nn.Sequential(nn.LazyLinear(3))\n")
    result = run(str(path), "--input", "1,8")
    assert result.exit_code == 2
    assert "The layer 0 (LazyLinear) learns its shape" in result.stderr


def test_standard_output_is_for_results_alone(tmp_path: Path) -> None:
    """Not for what a process prints that the model starts, either."""
    path = tmp_path / "shell_of_test_cli.py"
    path.write_text(MODEL.replace('print("built by hand")', "import os; os.system('echo built by a child')"))
    for command in (["check", str(path), "-o", "json"], ["trace", str(path)]):
        line = [sys.executable, "-m", "mac_audit", *command, "--input", "1,8,4,4"]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert json.loads(done.stdout)
        assert "built by a child" in done.stderr


def test_a_model_that_changes_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It finds its files where it went, in ``forward`` too; reports are written, and lines named, from where we are."""
    (tmp_path / "away").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "away" / "beside.txt").touch()
    there = f"import os\nos.chdir({str(tmp_path / 'away')!r})\n"
    source = MODEL.replace('print("built by hand")', there).replace("return self", "open('beside.txt'); return self")
    (tmp_path / "here" / "net.py").write_text(source)
    monkeypatch.chdir(tmp_path / "here")
    result = run("net.py", "--input", "1,8,4,4", "-o", "json=report.json")
    assert result.exit_code == 1, result.output
    report = json.loads((tmp_path / "here" / "report.json").read_text())
    assert {finding["source"]["file"] for finding in report["findings"]} == {"net.py"}


@pytest.mark.skipif(torch.backends.cuda.is_built(), reason="speaks of a torch without CUDA")
def test_a_model_for_cuda_is_told_what_to_do_without(tmp_path: Path) -> None:
    path = tmp_path / "cuda_of_test_cli.py"
    path.write_text(MODEL.replace("self.narrow(x)", "self.narrow(x.cuda())"))
    result = run(str(path), "--input", "1,8,4,4")
    assert result.exit_code == 2
    assert f"{path}:12" in result.stderr
    assert "no accelerator, so take the device from an input, as in x.device." in result.stderr
    path.write_text(MODEL.replace("nn.Conv2d(8, width, 1)", "nn.Conv2d(8, width, 1).cuda()"))
    result = run(str(path), "--input", "1,8,4,4")
    assert result.exit_code == 2
    assert f"{path}:8" in result.stderr
    assert "no accelerator, so build it on the CPU" in result.stderr


def test_an_installed_library_that_raises_is_told_with_the_line_that_called_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "installed"
    installed.mkdir()
    (installed / "library_of_test_cli.py").write_text("\nraise ValueError('no such thing')\n")
    path = tmp_path / "caller_of_test_cli.py"
    path.write_text("from torch import nn\nimport library_of_test_cli\n")
    monkeypatch.syspath_prepend(installed)
    monkeypatch.setattr("mac_audit.source._SITE", (f"{installed}{os.sep}",))
    result = run(str(path), "--no-isolation")
    assert result.exit_code == 2
    assert f"{installed / 'library_of_test_cli.py'}:2, called at {path}:2: no such thing" in result.stderr


def test_nothing_is_said_of_a_numpy_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise ModuleNotFoundError(\"No module named 'numpy'\", name='numpy')\n")
    command = [sys.executable, "-m", "mac_audit", "zoo:shufflenet_v2_x0_5"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_color_and_pipes() -> None:
    """Piped output has no colours; in a terminal NO_COLOR turns them off."""
    command = [sys.executable, "-m", "mac_audit", "zoo:shufflenet_v2_x0_5"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    terminal = f"import pty, sys; sys.exit(pty.spawn({command!r}) >> 8)"
    for variables, colored in (({}, True), ({"NO_COLOR": "1"}, False)):
        environment = {**os.environ, "TERM": "xterm-256color", **variables}
        shown = subprocess.run([sys.executable, "-c", terminal], capture_output=True, env=environment, check=False)
        assert bool(re.search(rb"\x1b\[[\d;]*m", shown.stdout)) is colored  # progress moves the cursor


def test_way_of_capture_is_told_and_can_be_forced(tmp_path: Path) -> None:
    path = tmp_path / "looking_of_test_cli.py"
    path.write_text(MODEL.replace("return self", "x = x[: 1 + int(x.sum() > 1e9)]; return self"))
    result = run(str(path), "--input", "2,8,4,4", "--arg", "width=8")
    assert result.exit_code == 0
    text = "".join(result.stdout.split())  # lines break in a long path
    assert "capturedonrealtensors;" in text
    assert re.search(r"notonfaketensors.*looksattensorvalues.*looking_of_test_cli\.py:12", text)
    forced = run(str(path), "--input", "2,8,4,4", "--capture", "values")
    assert forced.exit_code == 2
    assert re.search(r"looks at tensor values .* at .*looking_of_test_cli\.py:12", forced.stderr)


@pytest.mark.parametrize(("output", "sentence"), [(">&-", "is closed"), (">/dev/full", "No space left on device")])
def test_a_standard_output_that_takes_nothing_is_told(output: str, sentence: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m mac_audit devices {output}', sys.executable], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("mac-audit: Standard output ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_a_file_draws_is_the_same_in_every_audit(tmp_path: Path) -> None:
    """Its forward takes one way or the other by numbers of random, numpy and torch."""
    (tmp_path / "dice.py").write_text(
        "import random\nimport numpy\nimport torch\nfrom torch import nn\n"
        "WIDTHS = [random.randint(1, 99), numpy.random.randint(1, 99), int(torch.randint(1, 99, ()))]\n"
        "model = nn.Sequential(*(nn.Linear(4, 4) for _ in range(sum(WIDTHS))))\n"
        "example_inputs = torch.zeros(1, 4)\n"
    )
    first, second = (run(str(tmp_path / "dice.py"), "-o", "json").stdout for _ in range(2))
    assert json.loads(first)["totals"] == json.loads(second)["totals"]

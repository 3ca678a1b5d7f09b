"""Several models in one run, each in a process of its own; networks that were saved; a configuration to start from."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from click.testing import CliRunner, Result

from mac_audit import config, scan
from mac_audit.cli import main
from mac_audit.engine import not_audited
from mac_audit.report import Report
from mac_audit.reporters import View, reporter
from mac_audit.request import Request

GOOD = """\
from torch import nn

class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.conv = nn.Conv2d(8, width, 1)

    def forward(self, x):
        print("said by the model")
        return self.conv(x)
"""
BAD = {  # what each does when it is built or called, and what is told of it
    "raises": ("raise ValueError('of its own')", "ValueError"),
    "exits": ("import sys; sys.exit(0)", "ended the program"),
    "dies": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "was killed (SIGKILL)"),
    "leaves": ("import os; os._exit(0)", "ended its process with status 0"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def command(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    whole = [sys.executable, "-m", "mac_audit", *arguments]
    return subprocess.run(whole, capture_output=True, text=True, check=False, **options)


def write_models(folder: Path, *names: str) -> None:
    (folder / "good.py").write_text(GOOD)
    lines = []
    for name in names:
        if name in BAD:
            body = f"\n    def forward(self, x):\n        {BAD[name][0]}\n"
            (folder / f"{name}.py").write_text(f"from torch import nn\n\nclass Net(nn.Module):{body}")
        target = f"{name}.py" if name in BAD else "good.py"
        width = f"arguments = {{ width = {8 * (len(lines) + 1)} }}" if name not in BAD else ""
        lines.append(f'[[model]]\nname = "{name}"\ntarget = "{target}"\ninputs = ["1,8,32,32"]\n{width}\n')
    (folder / "mac-audit.toml").write_text("\n".join(lines))


def test_one_that_cannot_be_audited_is_one_row(folder: Path) -> None:
    write_models(folder, "first", *BAD, "last")
    result = run("-j", "3", "-o", "json=reports.json", "-o", "table")
    assert result.exit_code == 2
    reports = {report["name"]: report for report in json.loads((folder / "reports.json").read_text())}
    assert list(reports) == ["first", *BAD, "last"]
    assert reports["first"]["verdict"] == "pass"
    assert reports["last"]["verdict"] == "fail"
    for name, (_, told) in BAD.items():
        assert reports[name]["verdict"] == "error"
        assert told in reports[name]["error"]
        assert f"mac-audit: {name}: {reports[name]['error']}" in result.stderr
    rows = [line.split()[:2] for line in result.stdout.splitlines()]
    assert ["pass", "first"] in rows
    assert ["error", "dies"] in rows
    assert "6 models: 1 pass, 1 fail, 4 error" in result.stdout


def test_same_bytes_however_many_at_a_time(folder: Path) -> None:
    write_models(folder, "a", "b", "c", "d")
    outputs = ("-o", "json=one.json", "-o", "table=one.txt")
    runs = []
    for processes in ("1", "2", "4", "4"):
        done = run("-j", processes, *outputs)
        assert done.exit_code in (0, 1), done.stderr
        runs.append(((folder / "one.json").read_bytes(), (folder / "one.txt").read_bytes()))
    assert len(set(runs)) == 1


def test_one_of_several_is_the_same_as_one_alone(folder: Path) -> None:
    write_models(folder, "a", "b")
    _, several = json.loads(run("-o", "json").stdout)
    assert json.loads(run("b", "-o", "json").stdout) == several


def test_a_file_for_each_model(folder: Path) -> None:
    write_models(folder, "a", "b/c")
    assert run("-o", "json={name}.report.json").exit_code in (0, 1)
    assert json.loads((folder / "a.report.json").read_text())["name"] == "a"
    assert json.loads((folder / "b-c.report.json").read_text())["name"] == "b/c"
    write_models(folder, "b-c", "b/c")
    clash = run("-o", "json={name}.report.json")
    assert clash.exit_code == 2
    assert "b-c and b/c would both be b-c.report.json" in clash.stderr


def test_models_with_the_same_helper_file_do_not_mix(folder: Path) -> None:
    """Two folders with a file of the same name: in one process the second would see the first one's."""
    for width, place in ((8, "one"), (16, "two")):
        (folder / place).mkdir()
        (folder / place / "helper.py").write_text(f"WIDTH = {width}\n")
        (folder / place / "net.py").write_text("from helper import WIDTH\n" + GOOD.replace("width=8", "width=WIDTH"))
    result = run("one/net.py", "two/net.py", "--input", "1,8,4,4", "-o", "json")
    params = [report["totals"]["params"] for report in json.loads(result.stdout)]
    assert params == [8 * 8 + 8, 8 * 16 + 16]


def test_what_models_print_is_no_result(folder: Path) -> None:
    write_models(folder, "a", "b")
    done = command("-o", "json")
    json.loads(done.stdout)
    assert "said by the model" in done.stderr
    assert "\x1b" not in done.stderr  # no progress bar where there is no terminal


def test_progress_is_shown_on_a_terminal(folder: Path) -> None:
    """What is read while it is written: a terminal holds a few thousand characters, then its writer waits."""
    write_models(folder, "a", "b")
    inner, outer = pty.openpty()
    whole = [sys.executable, "-m", "mac_audit", "-o", "json=reports.json"]
    shown = b""
    with subprocess.Popen(whole, stderr=outer, env={**os.environ, "TERM": "xterm"}) as running:
        os.close(outer)
        with contextlib.suppress(OSError):  # the end of a terminal
            while part := os.read(inner, 65536):
                shown += part
    os.close(inner)
    assert running.returncode == 1
    assert b"2/2" in shown
    assert len(json.loads((folder / "reports.json").read_text())) == 2


@pytest.mark.parametrize("name", ["table", "json"])
def test_a_report_of_what_could_not_be_audited_is_shown(name: str) -> None:
    failed = not_audited(Request("net.py"), "net", "It raised something.")
    assert Report.from_json(failed.to_json()) == failed
    assert "It raised something." in reporter(name)([failed], View())


def test_a_single_one_that_cannot_be_audited_is_in_the_files_too(folder: Path) -> None:
    write_models(folder, "raises")
    result = run("raises", "-o", "github", "-o", "junit=junit.xml", "-o", "sarif=audit.sarif")
    assert result.exit_code == 2
    assert result.stdout.startswith("::error file=raises.py,line=1,title=mac-audit%3A not-audited::")
    assert [error.get("type") for error in ElementTree.parse("junit.xml").iter("error")] == ["not-audited"]
    (found,) = json.loads(Path("audit.sarif").read_text())["runs"]
    assert not found["invocations"][0]["executionSuccessful"]


def test_exit_in_a_single_model_is_no_success(folder: Path) -> None:
    write_models(folder, "exits")
    done = command("exits")
    assert done.returncode == 2
    assert "ended the program" in done.stderr


# --- networks that were saved --------------------------------------------------------------------------------------


def test_saved_network_is_audited_without_torch(folder: Path) -> None:
    write_models(folder, "a")
    traced = run("trace", "good.py", "--input", "1,8,32,32", "--arg", "width=64", "-o", "net.json")
    assert traced.exit_code == 0, traced.stderr
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from mac_audit.cli import main\nmain(['net.json', '--isolated', '-o', 'json'], standalone_mode=False)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    saved = json.loads(done.stdout)
    direct = json.loads(run("good.py", "--isolated", "--input", "1,8,32,32", "--arg", "width=64", "-o", "json").stdout)
    assert {**saved, "target": "", "name": ""} == {**direct, "target": "", "name": ""}
    assert saved["findings"][0]["source"] == {"file": "good.py", "line": 6}


def test_several_saved_networks_leave_torch_alone(folder: Path) -> None:
    """Also in the processes that they are judged in."""
    write_models(folder, "a")
    assert run("trace", "good.py", "--input", "1,8,32,32", "-o", "one.json").exit_code == 0
    (folder / "two.json").write_bytes((folder / "one.json").read_bytes())
    (folder / "path").mkdir()
    (folder / "path" / "torch.py").write_text("open('imported', 'w'); raise ImportError")
    done = command("one.json", "two.json", "--isolated", env={**os.environ, "PYTHONPATH": str(folder / "path")})
    assert done.returncode == 0, done.stderr
    assert not (folder / "imported").exists()


def test_trace_goes_to_standard_output(folder: Path) -> None:
    write_models(folder, "a")
    done = command("trace", "good.py", "--input", "1,8,32,32")
    assert json.loads(done.stdout)["schema_version"] == 1
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonesuch.json"], "cannot be read"),
        (["empty.json"], "has no schema_version"),
        (["empty.json", "--input", "1,8"], "is captured already; inputs has nothing to act on"),
        (["empty.json", "--batch", "2"], "is captured already; batch has nothing to act on"),
        (["transformers:empty.json"], "model_type"),
    ],
)
def test_wrong_saved_networks_are_told(folder: Path, arguments: list[str], message: str) -> None:
    (folder / "empty.json").write_text("{}")
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr


# --- init ----------------------------------------------------------------------------------------------------------

REPOSITORY = {
    "nets/tiny.py": GOOD.replace("Net", "Tiny"),
    "nets/blocks.py": "from torch import nn\n\nclass Block(nn.Module):\n    def forward(self, x):\n        return x\n",
    "nets/large.py": (
        "import torch.nn as nn\nfrom blocks import Block\n\nclass Base(nn.Module):\n    pass\n\n"
        "class Large(Base):\n    def __init__(self, depth):\n        super().__init__()\n"
        "        self.body = nn.Sequential(nn.Conv2d(3, 8, 3), *[Block() for _ in range(depth)])\n"
    ),
    "package/__init__.py": "",
    "package/net.py": "from torch import nn\nfrom .parts import *\n\ndef build_model():\n    return nn.Linear(2, 2)\n",
    "package/parts.py": "example_inputs = None\n",
    "text.py": GOOD.replace("Net", "Text").replace("Conv2d", "Embedding"),
    "tests/test_net.py": GOOD,
    "broken.py": "class (",
    "plain.py": "class Plain:\n    pass\n",
}


@pytest.fixture
def repository(folder: Path) -> Path:
    for name, text in REPOSITORY.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_models_are_found_by_reading(repository: Path) -> None:
    found = {model.target: model for model in scan.models(repository)}
    assert list(found) == ["nets/large.py:Large", "nets/tiny.py:Tiny", "package.net:build_model", "text.py:Text"]
    assert found["nets/large.py:Large"].arguments == ("depth",)
    assert found["nets/large.py:Large"].inputs == "1,3,224,224"
    assert found["nets/tiny.py:Tiny"].inputs == "1,8,224,224"
    assert found["nets/tiny.py:Tiny"].guessed_from == "Conv2d(8, …) in line 6"
    assert found["text.py:Text"].inputs == "1,128:int64"


def test_what_git_ignores_is_not_searched(repository: Path) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    (repository / ".gitignore").write_text("nets/\n")
    assert [model.target for model in scan.models(repository)] == ["package.net:build_model", "text.py:Text"]


def test_git_s_quoting_hides_no_file(repository: Path) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    (repository / "größe.py").write_text(GOOD)
    assert "größe.py:Net" in [model.target for model in scan.models(repository)]


def test_init_writes_what_can_be_run(repository: Path) -> None:
    result = run("init")
    assert result.exit_code == 0, result.stderr
    assert "mac-audit.toml written." in result.stdout
    read = config.read(repository / "mac-audit.toml")
    assert [model.name for model in read.model] == ["tiny", "net", "text"]  # Large needs an argument
    assert "# arguments = { depth = … }" in (repository / "mac-audit.toml").read_text()
    workflow = (repository / ".github/workflows/mac-audit.yml").read_text()
    assert '- run: mac-audit -o github -o "markdown=$GITHUB_STEP_SUMMARY"\n' in workflow
    assert run("tiny").exit_code in (0, 1)


def test_init_writes_over_nothing_unless_told_to(repository: Path) -> None:
    (repository / "mac-audit.toml").write_text("# mine\n")
    result = run("init")
    assert "mac-audit.toml exists and stays as it is" in result.stdout
    assert (repository / "mac-audit.toml").read_text() == "# mine\n"
    assert (repository / ".github/workflows/mac-audit.yml").exists()
    assert "mac-audit.toml written over." in run("init", "--force").stdout
    assert tomllib.loads((repository / "mac-audit.toml").read_text())["fail-on"] == "error"


def test_init_leaves_pyproject_alone(repository: Path) -> None:
    (repository / "pyproject.toml").write_text("[tool.mac-audit]\n")
    result = run("init")
    assert result.exit_code == 2
    assert not (repository / "mac-audit.toml").exists()


def test_init_tells_what_is_in_the_way(repository: Path) -> None:
    (repository / ".github").write_text("a file")
    result = run("init")
    assert result.exit_code == 2
    assert result.stderr.startswith("mac-audit: The folder .github/workflows cannot be made: ")


def test_init_without_models(folder: Path) -> None:
    result = run("init")
    assert result.exit_code == 0
    assert "No model was found" in result.stdout
    assert config.read(folder / "mac-audit.toml").model == ()


def test_workflow_is_what_github_reads(repository: Path) -> None:
    (repository / "requirements.txt").write_text("numpy\n")
    run("init")
    document = yaml.safe_load((repository / ".github/workflows/mac-audit.yml").read_text())
    steps = document["jobs"]["audit"]["steps"]
    assert [step.get("run") for step in steps][-2:] == [
        "pip install mac-audit -r requirements.txt",
        'mac-audit -o github -o "markdown=$GITHUB_STEP_SUMMARY"',
    ]
    assert document[True].keys() == {"push", "pull_request"}  # YAML 1.1 reads the key `on` so

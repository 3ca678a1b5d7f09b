"""The GitHub action and the pre-commit hooks: as their own schemas have them, and run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pre_commit.clientlib import load_config, load_manifest

ROOT = Path(__file__).parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
INSTALL, AUDIT = ACTION["runs"]["steps"]
MODEL = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.wide = nn.Conv2d(8, width, 1)

    def forward(self, x):
        return self.wide(x)


example_inputs = torch.empty(1, 8, 16, 16)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with a model that has a finding, and a folder of the runner's."""
    (tmp_path / "repository").mkdir()
    (tmp_path / "temp").mkdir()
    (tmp_path / "repository" / "net.py").write_text(MODEL)
    (tmp_path / "repository" / "mac-audit.toml").write_text('[[model]]\nname = "net"\ntarget = "net.py"\n')
    return tmp_path


def environment(folder: Path, step: dict[str, Any], **inputs: str) -> dict[str, str]:
    """What the runner sets for a step."""
    given = {name: entry["default"] for name, entry in ACTION["inputs"].items()} | inputs
    known = {f"inputs.{name.replace('_', '-')}": value for name, value in given.items()}
    known["github.action_path"] = str(ROOT)
    expression = re.compile(r"\$\{\{ ([\w.-]+) \}\}")
    own = {name: expression.sub(lambda found: known[found[1]], value) for name, value in step["env"].items()}
    runner = {
        "RUNNER_TEMP": str(folder / "temp"),
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    return {**os.environ, **runner, **own}


def run(folder: Path, step: dict[str, Any], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """As GitHub runs ``shell: bash``."""
    script = folder / "step.sh"
    script.write_text(step["run"])
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder / "repository", env=variables, check=False
    )


def outputs(folder: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (folder / "output").read_text().splitlines())


def test_action_fits_github_s_schema() -> None:
    """The schema of schemastore.org, as check-jsonschema brings it."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("marker", "schema"), [("runs-on:", "vendor.github-workflows"), ("codequality:", "vendor.gitlab-ci")]
)
def test_documented_workflows_fit_their_schema(folder: Path, marker: str, schema: str) -> None:
    (text,) = [text for text in documented() if marker in text]
    (folder / "workflow.yml").write_text(text)
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(folder / "workflow.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_documented_hook_fits_pre_commit(folder: Path) -> None:
    (text,) = [text for text in documented() if "repos:" in text]
    (folder / ".pre-commit-config.yaml").write_text(text)
    (repository,) = load_config(str(folder / ".pre-commit-config.yaml"))["repos"]
    assert {hook["id"] for hook in repository["hooks"]} <= {"mac-audit", "mac-audit-installed"}


def documented() -> list[str]:
    """The YAML in the documentation."""
    return re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "formats.md").read_text(encoding="utf-8"), re.DOTALL)


def test_inputs_reach_scripts_as_variables() -> None:
    """An expression in a script would be pasted into it, whatever it holds."""
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]


@pytest.mark.parametrize(("version", "installed"), [("", str(ROOT)), ("0.1.0", "mac-audit==0.1.0")])
def test_action_installs(folder: Path, version: str, installed: str) -> None:
    fake = folder / "bin"
    fake.mkdir()
    (fake / "python").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$RUNNER_TEMP/arguments"\n')
    (fake / "python").chmod(0o755)
    variables = environment(folder, INSTALL, version=version)
    done = run(folder, INSTALL, {**variables, "PATH": f"{fake}{os.pathsep}{variables['PATH']}"})
    assert done.returncode == 0, done.stderr
    arguments = (folder / "temp" / "arguments").read_text().splitlines()
    assert arguments[:3] == ["-m", "pip", "install"]
    assert arguments[-1] == installed


def test_action_audits_the_configured_models(folder: Path) -> None:
    done = run(folder, AUDIT, environment(folder, AUDIT))
    assert done.returncode == 1, done.stderr
    assert "fail: G1" in done.stdout
    assert "::error file=net.py,line=8,title=G1 unequal-channels%3A wide::" in done.stdout
    assert (folder / "summary").read_text().startswith("## ❌ fail: net `net.py`")
    told = outputs(folder)
    assert told["status"] == "1"
    assert json.loads(Path(told["sarif"]).read_text())["version"] == "2.1.0"
    assert json.loads(Path(told["json"]).read_text())["name"] == "net"


def test_action_takes_arguments_as_a_shell_does(folder: Path) -> None:
    shutil.move(folder / "repository" / "net.py", folder / "repository" / "my net.py")
    arguments = "--isolated 'my net.py' --arg width=8 --input '1,8,4,4'"
    done = run(folder, AUDIT, environment(folder, AUDIT, args=arguments, format="json"))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["target"], report["totals"]["madds"]) == ("my net.py", 4 * 4 * 8 * 8)
    assert outputs(folder)["status"] == "0"


def test_action_does_not_hide_an_error(folder: Path) -> None:
    done = run(folder, AUDIT, environment(folder, AUDIT, args="nonesuch.py --isolated"))
    assert done.returncode == 2
    assert "nonesuch.py" in done.stderr
    assert outputs(folder)["status"] == "2"


def test_action_audits_nothing_where_it_cannot_read_its_arguments(folder: Path) -> None:
    done = run(folder, AUDIT, environment(folder, AUDIT, args="'net.py --isolated"))
    assert done.returncode != 0
    assert "No closing quotation" in done.stderr
    assert done.stdout == ""


def test_hooks_fit_pre_commit() -> None:
    hooks = {hook["id"]: hook for hook in load_manifest(str(ROOT / ".pre-commit-hooks.yaml"))}
    assert hooks.keys() == {"mac-audit", "mac-audit-installed"}
    assert not any(hook["pass_filenames"] for hook in hooks.values())


def test_the_hook_runs(folder: Path) -> None:
    """pre-commit itself, with the hook that needs nothing installed."""
    hooks = folder / "hooks"
    hooks.mkdir()
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", hooks)
    variables = {**environment(folder, AUDIT), "PRE_COMMIT_HOME": str(folder / "cache")}
    variables = {name: value for name, value in variables.items() if not name.startswith("GIT_")}
    for place in (hooks, folder / "repository"):
        for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
            identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
            subprocess.run(["git", *identity, *arguments], cwd=place, env=variables, check=True)

    def hook() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pre_commit", "try-repo", str(hooks), "mac-audit-installed", "--all-files"]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=folder / "repository", env=variables, check=False
        )

    failing = hook()
    assert failing.returncode == 1, failing.stdout + failing.stderr
    assert "fail: G1" in failing.stdout
    (folder / "repository" / "net.py").write_text(MODEL.replace("width=64", "width=8"))
    passing = hook()
    assert passing.returncode == 0, passing.stdout + passing.stderr
    assert "Passed" in passing.stdout

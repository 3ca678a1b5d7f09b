"""``mac-audit init``: a configuration and a workflow to start from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mac_audit.cli.options import errors_told
from mac_audit.cli.standard_output import show
from mac_audit.errors import MacAuditError
from mac_audit.files import write_whole

if TYPE_CHECKING:
    from mac_audit.scan import Found

CONFIG = "mac-audit.toml"
WORKFLOW = ".github/workflows/mac-audit.yml"

_HEAD = """\
# What `mac-audit` audits when it is run without arguments, and what it holds the models to.
# `mac-audit --show-settings` shows what is in force.

fail-on = "error"

# [rules.G4]
# severity = "warning"    # reported, and exit status 0
"""
_NONE = """
# No subclass of nn.Module was found. Name your models like this:
# [[model]]
# name = "net"
# target = "net.py:Net"
# inputs = ["1,3,224,224"]
"""
_WORKFLOW = """\
name: mac-audit

on:
  push:
    branches: [main]
  pull_request:

permissions:
  contents: read

jobs:
  audit:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install torch --index-url https://download.pytorch.org/whl/cpu
      - run: pip install {packages}
      - run: mac-audit -o github -o "markdown=$GITHUB_STEP_SUMMARY"
"""


@click.command()
@click.option("--force", is_flag=True, help="Write over files that exist.")
def init(force: bool) -> None:
    """Write a configuration, mac-audit.toml, and a GitHub workflow for the models in this directory.

    The models are found by reading the code; it is not run.
    """
    from mac_audit import config, scan

    with errors_told(show_traceback=False):
        here = Path.cwd()
        holding = config.find(here)
        if holding == here / config.SHARED and not force:
            raise MacAuditError("pyproject.toml has a table [tool.mac-audit] already; --force writes a file over it.")
        found = scan.models(here)
        for path, text in ((CONFIG, configuration(found)), (WORKFLOW, workflow(here))):
            _write(Path(path), text, force)
        for model in found:
            show(f"  {model.name}: {model.target}" + (f", input {model.inputs}" if model.inputs else ""))
        show("Look through it, then run mac-audit." if found else "No model was found; name one in it.")


def configuration(found: list[Found]) -> str:
    """The text of the configuration; what needs somebody's hand is in it as a comment."""
    return "\n".join([_HEAD, *map(_model, found)]) if found else _HEAD + _NONE


def _model(model: Found) -> str:
    lines = ["[[model]]", f"name = {json.dumps(model.name)}", f"target = {json.dumps(model.target)}"]
    if model.arguments:
        values = ", ".join(f"{name} = …" for name in model.arguments)
        lines.append(f"arguments = {{ {values} }}")
    if model.inputs:
        lines.append(f'inputs = ["{model.inputs}"]    # a guess from {model.guessed_from}')
    elif not model.has_inputs:
        lines.append('# inputs = ["1,3,224,224"]    # what its forward takes')
    lines.append('# budgets = { params = "5 M", madds = "300 M", mac = "25 MB", memory = "8 MB" }')
    if model.arguments:  # cannot be run as it is
        lines = [line if line.startswith("#") else f"# {line}" for line in lines]
    return "\n".join(lines) + "\n"


def workflow(folder: Path) -> str:
    """The text of the workflow; it installs the project where it can be installed, and its requirements."""
    packages = ["mac-audit"]
    if (folder / "requirements.txt").exists():
        packages.append("-r requirements.txt")
    if any((folder / name).exists() for name in ("setup.py", "setup.cfg")) or _is_project(folder / "pyproject.toml"):
        packages.append(".")
    return _WORKFLOW.format(packages=" ".join(packages))


def _is_project(pyproject: Path) -> bool:
    return pyproject.is_file() and b"[project]" in pyproject.read_bytes()


def _write(path: Path, text: str, force: bool) -> None:
    existed = path.exists()
    if existed and not force:
        show(f"{path} exists and stays as it is; --force writes over it.")
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MacAuditError(f"The folder {path.parent} cannot be made: {error.strerror}; mend that first.") from None
    write_whole(path, text)
    show(f"{path} {'written over' if existed else 'written'}.")

"""Runs commands of mac-audit as processes of their own, none of which waits for torch.

They are forks of one process that has imported it. Each has a pipe's view of the world: 80 columns, no colour, no
measurements of this machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

SITE = ".site"  # what the reader of a page installed, beside the files that the page has
ENVIRONMENT = {"COLUMNS": "80", "NO_COLOR": "1", "MAC_AUDIT_HOME": os.devnull}


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, and what it printed."""

    status: int
    stdout: str
    stderr: str


class Commands:
    """A context in which commands run, ``COLUMNS`` and the like in their environment over what is there."""

    def __init__(self, **environment: str) -> None:
        self._environment = {**os.environ, **ENVIRONMENT, **environment}

    def __enter__(self) -> Commands:
        command = [sys.executable, "-P", __file__]
        self._server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self._environment
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.communicate()

    def run(self, arguments: Sequence[str], folder: Path) -> Done:
        """``mac-audit ARGUMENTS`` in ``folder``."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with tempfile.TemporaryDirectory() as kept:
            print(json.dumps([kept, str(folder), *arguments]), file=self._server.stdin, flush=True)
            status = int(self._server.stdout.readline())
            texts = [(Path(kept) / name).read_text(encoding="utf-8") for name in ("stdout", "stderr")]
        return Done(status, *texts)


def install(folder: Path) -> None:
    """``pip install .`` in ``folder``, for the commands that run there and for nobody else."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", str(folder / SITE), str(folder)], check=True)


def _serve() -> None:
    import mac_audit.api
    import mac_audit.cli
    import mac_audit.isolation

    mac_audit.isolation.AVAILABLE = False  # a fork is a process of its own already, which need not import torch again
    for line in sys.stdin:
        child = os.fork()
        if not child:
            kept, folder, *arguments = json.loads(line)
            for number, name in enumerate(("stdin", "stdout", "stderr")):
                os.dup2(os.open(os.path.join(kept, name), os.O_RDWR | os.O_CREAT), number)
            os.chdir(folder)
            sys.path.insert(0, os.path.join(folder, SITE))
            sys.argv = ["mac-audit", *arguments]
            mac_audit.cli.main(prog_name="mac-audit")
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    _serve()

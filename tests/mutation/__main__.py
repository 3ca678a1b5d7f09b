"""Mutation testing with Cosmic Ray: which mistakes in the rules and the formulas would no test notice?

Run ``python -m tests.mutation TARGET [--sample N] [--again]`` with ``cosmic-ray`` installed. A target is a part of the
sources and the tests that are to notice, the fastest first. Of its mutants ``--sample`` tries that many, drawn by a
fixed seed; ``--again`` keeps what was killed and tries the survivors once more, after tests were added. What survived
is printed as a diff; the session stays in ``build/mutation``.

The sources are mutated in a copy that has the layout in which they are installed. The tests of a mutant run in a fork
of this process, which has imported torch once for all of them.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import socket
import subprocess
import sys
import threading
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import torch._dynamo
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome

from tests.installed import ROOT, copied

HERE = Path(__file__).parent
BUILD = ROOT / "build" / "mutation"
LONGEST = 90  # seconds of the processor for the tests of one mutant; those that never end are killed
TARGETS = {
    "structure": ("mac_audit/structure.py", ("tests/test_structure.py",)),
    "rules": (
        "mac_audit/rules",
        (
            "tests/test_findings.py",
            "tests/test_cases.py",
            "tests/test_budgets.py",
            "tests/test_counterfactual.py",
            "tests/test_g3.py",
        ),
    ),
    "formulas": (
        "mac_audit/formulas",
        (
            "tests/test_other_ops.py",
            "tests/test_contractions.py",
            "tests/test_quantized_kernels.py",
            "tests/test_linear_algebra.py",
            "tests/test_fused_layers.py",
            "tests/test_gathers.py",
            "tests/test_algorithms.py",
            "tests/test_quantized.py",
            "tests/test_formulas.py",
            "tests/test_kernels.py",
            "tests/test_memory.py",
            "tests/test_aten.py",
        ),
    ),
}


def main() -> None:
    """Try the mutants of one target and print the score."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--sample", type=int)
    parser.add_argument("--again", action="store_true")
    given = parser.parse_args()
    module, tests = TARGETS[given.target]
    folder = BUILD / given.target
    copied(folder)
    settings = (HERE / "cosmic-ray.toml").read_text()
    settings = settings.replace('module-path = ""', f'module-path = "{module}"')
    (folder / "cosmic-ray.toml").write_text(settings.format(python=sys.executable, ask=HERE / "ask.py"))
    session = folder / "session.sqlite"
    if not given.again:
        session.unlink(missing_ok=True)
        _cosmic_ray("init", folder)
    with use_db(str(session)) as work:
        _forget_survivors(work) if given.again else _draw(work, tomllib.loads(settings), given.sample)
    hypothesis.settings.register_profile("mutation", derandomize=True, database=None, deadline=None)
    hypothesis.settings.load_profile("mutation")
    sys.path[:0] = [str(folder)]
    if _tested(folder, tests):
        sys.exit("The tests fail on the sources as they are.")
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(folder)  # the path of a socket is short
        Path("tests.socket").unlink(missing_ok=True)
        server.bind("tests.socket")
        server.listen()
        threading.Thread(target=_cosmic_ray, args=("exec", folder, server), daemon=True).start()
        _serve(server, folder, tests)
    with use_db(str(session)) as work:
        _told(work)


def _cosmic_ray(command: str, folder: Path, server: socket.socket | None = None) -> None:
    program = str(Path(sys.executable).with_name("cosmic-ray"))
    subprocess.run([program, command, "cosmic-ray.toml", "session.sqlite"], cwd=folder, check=True)
    if server is not None:
        server.shutdown(socket.SHUT_RDWR)  # ends _serve


def _draw(work: WorkDB, settings: dict[str, Any], sample: int | None) -> None:
    """Leave ``sample`` mutants, of those that are not filtered out."""
    filters = settings["cosmic-ray"]["filters"]["operators-filter"]["exclude-operators"]
    left_out = re.compile("|".join(filters))
    items = [item for item in work.work_items if not left_out.match(item.mutations[0].operator_name)]
    items.sort(key=lambda item: str(item.mutations))
    print(f"{len(items)} mutants, of which {min(sample or len(items), len(items))} are tried", flush=True)
    work.clear()
    work.add_work_items(random.Random(0).sample(items, min(sample or len(items), len(items))))


def _forget_survivors(work: WorkDB) -> None:
    from cosmic_ray.work_db import WorkResultStorage

    with work._session_maker.begin() as session:  # Cosmic Ray has no word for it
        session.query(WorkResultStorage).filter_by(test_outcome=TestOutcome.SURVIVED).delete()


def _serve(server: socket.socket, folder: Path, tests: tuple[str, ...]) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        with client:
            client.recv(16)
            client.sendall(str(_tested(folder, tests)).encode())


def _tested(folder: Path, tests: tuple[str, ...]) -> int:
    """The exit status of the tests, run in a fork of this process."""
    if not (child := os.fork()):
        resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST))
        os.chdir(folder)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        for file in tests:  # one by one, since collecting all of them takes longer than the first needs to fail
            if status := pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--tb=no", file]):
                os._exit(status)
        os._exit(0)
    return abs(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _told(work: WorkDB) -> None:
    results = [found for _, found in work.results]
    for found in results:
        if found.test_outcome == TestOutcome.SURVIVED:
            print(found.diff, end="\n\n")
    outcomes = Counter(found.test_outcome.value for found in results if found.test_outcome is not None)
    print(f"{len(results)} of {work.num_work_items} mutants tried: {dict(outcomes)}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()

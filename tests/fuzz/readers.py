"""The readers, each with what a run does with what it has read.

A reader may refuse with ``MacAuditError`` or ``click.UsageError``; anything else is a fault of ours.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import click

from mac_audit import baseline, comments, config, device_file, engine, provenance, settings
from mac_audit.cli.check import check
from mac_audit.cli.diff import diff as diff_command
from mac_audit.cli.options import parse_argument, parse_resolution
from mac_audit.cli.outputs import outputs
from mac_audit.device import Device
from mac_audit.diff import compare
from mac_audit.errors import MacAuditError
from mac_audit.experiments.kept import evidence_on
from mac_audit.experiments.outcome import Experiment
from mac_audit.files import read
from mac_audit.increase import allowance, limited
from mac_audit.network import Network
from mac_audit.profile import Profile
from mac_audit.report import Report
from mac_audit.reporters import View, reporter
from mac_audit.rule import discover
from mac_audit.sweep import axis, grid
from mac_audit.units import quantity

REFUSES = (MacAuditError, click.UsageError)
GOLDEN = Path(__file__).parents[1] / "golden" / "report.json"
FORMATS = tuple(sorted(entry.name for entry in entry_points(group="mac_audit.reporters")))


@functools.cache
def _golden() -> Report:
    return Report.from_json(GOLDEN.read_text(encoding="utf-8"))


@contextlib.contextmanager
def _file(data: bytes, suffix: str) -> Iterator[Path]:
    """The data as a file, in a folder that is the working directory for as long."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        path = Path(f"given{suffix}")
        path.write_bytes(data)
        yield path


def _shown(report: Report) -> None:
    for name in FORMATS:
        reporter(name)([report], View(width=80)).encode()
    difference = limited(compare(report, report), [allowance("mac:1%")])
    for name in ("table", "json", "markdown"):
        import_module(f"mac_audit.reporters.diff_{name}").render([difference], View()).encode()


def trace(data: bytes) -> None:
    """A saved network, audited on a device and shown in every format."""
    with _file(data, ".json") as path:
        network = Network.from_json(read(path, "given", "give another"))
    assert Network.from_json(network.to_json()) == network
    for execution in ("eager", "folded", "fused"):
        report = engine.audit(Profile(network, execution, _device()), discover(), target="given.json")
    assert Report.from_json(report.to_json()) == report
    _shown(report)


def report(data: bytes) -> None:
    """A saved report, compared with itself and shown in every format."""
    with _file(data, ".json") as path:
        found = Report.from_json(read(path, "given", "give another"))
    assert Report.from_json(found.to_json()) == found
    _shown(found)


def a_baseline(data: bytes) -> None:
    """A baseline that a report is held against, and that is written again."""
    with _file(data, ".json") as path:
        found = baseline.load(str(path))
        baseline.compare(_golden(), found).judged.to_json()
        baseline.update(str(path), lambda now: baseline.recorded(now, [_golden()]))
        baseline.load(str(path))


def a_config(data: bytes) -> None:
    """A configuration, and what is in force under it."""
    with _file(data, ".toml") as path:
        found = config.read(path)
        jobs = settings.jobs(found, config.Config(), [])
        provenance.shown(found, config.Config(), jobs, settings.known_rules(job.request for job in jobs)).encode()


def a_device(data: bytes) -> None:
    """A device file; what is written of it is the same device again."""
    with _file(data, ".toml") as path:
        found = device_file.find(str(path))
    if not found.like:  # else it has the rates of that one, which a file of its own must not have beside it
        device_file.parse(device_file.written(found), "written")
    engine.audit(Profile(_network(), "folded", found), discover(), target="x").to_json()


def an_experiment(data: bytes) -> None:
    """An experiment kept on a device, which findings there cite; what is written of it is the same again."""
    with _file(data, ".json") as path:
        os.environ["MAC_AUDIT_HOME"] = "."
        found = Experiment.from_json(read(path, "given", "give another"), "given")
        assert Experiment.from_json(found.to_json(), "written") == found
        folder = Path("experiments", _device().name)
        folder.mkdir(parents=True)
        path.rename(folder / path.name)
        profile = Profile(_network(), "folded", _device(), evidence=evidence_on(_device()))
    _shown(engine.audit(profile, discover(), target="x"))


def suppressions(data: bytes) -> None:
    """The comments of a Python file."""
    for comment in comments.read(data.decode("utf-8", "replace")):
        assert comment.lines[0] <= comment.lines[1]
        assert comment.block[0] <= comment.line <= comment.block[1]


def command_line(data: bytes) -> None:
    """The arguments of ``check`` and ``diff``, a word of a shell each; read, not done."""
    try:
        words = shlex.split(data.decode("utf-8", "replace"))
    except ValueError:
        return
    wanted = diff_command if words[:1] == ["diff"] else check
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        given = wanted.make_context("mac-audit", list(words)).params
        outputs(given["texts"], reporter)
        arguments = dict(map(parse_argument, given.get("arguments", ())))
        request = {"arguments": arguments, "inputs": given.get("inputs", ())}
        if given.get("resolution"):
            request["resolution"] = parse_resolution(given["resolution"])
        for text in given.get("growths", ()):
            allowance(text)
        for text in given.get("budgets", ()):
            quantity(text.partition("=")[2], "--budget")
        grid([axis(text) for text in given.get("sweeps", ())])
        line = config.Config(request=request, select=given.get("select") or None, ignore=given.get("ignore", ()))
        settings.jobs(config.Config(), line, given.get("targets", given.get("sources")))


def input_specification(data: bytes) -> None:
    """What ``--input`` and the sizes say, which are tensors then."""
    from mac_audit.inputs import given_inputs
    from mac_audit.sizes import Sizes, resized

    words = data.decode("utf-8", "replace").split()
    numbers = [int(word) for word in words if word.isdecimal() and len(word) < 40]
    sizes = Sizes(*numbers[:2], resolution=(numbers[2], numbers[2])) if len(numbers) > 2 else Sizes(*numbers[:1])
    inputs = given_inputs([word for word in words if not word.isdecimal()])
    if inputs is not None:
        resized(inputs, sizes)


@functools.cache
def _device() -> Device:
    return device_file.find("avx2-core")


@functools.cache
def _network() -> Network:
    return Network.from_json((Path(__file__).parent / "corpus" / "trace" / "small.json").read_text(encoding="utf-8"))


READERS: dict[str, Callable[[bytes], None]] = {
    "trace": trace,
    "report": report,
    "baseline": a_baseline,
    "config": a_config,
    "device": a_device,
    "experiment": an_experiment,
    "suppressions": suppressions,
    "command-line": command_line,
    "input": input_specification,
}


def refused(reader: Callable[[bytes], None], data: bytes) -> str | None:
    """The sentence by which ``reader`` refuses ``data``; None where it takes it. All else it raises comes through."""
    home = os.environ.get("MAC_AUDIT_HOME")
    os.environ["MAC_AUDIT_HOME"] = tempfile.gettempdir() + "/no-devices-here"
    try:
        reader(data)
    except REFUSES as error:
        return str(error)
    except click.exceptions.Exit:  # --help
        return None
    finally:
        if home is None:
            del os.environ["MAC_AUDIT_HOME"]
        else:
            os.environ["MAC_AUDIT_HOME"] = home
    return None

"""How the cost of an audit grows with the model: printed, never asserted, for machines differ and are shared.

Run ``python -m tests.benchmarks.bench_scale [--sizes 1000,100000] [SHAPE ...]``. Each model runs in a process of its
own; a row is a stage of the audit, with its seconds at each size and the slope: the exponent p of n^p between the
smallest and the largest size, 1 where the cost is linear. Memory is the peak of the process over what torch took.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.scaling import SHAPES, given

DEVICE = "v100"
SIZES = (1_000, 10_000, 100_000)


def main() -> None:
    arguments = sys.argv[1:]
    sizes = SIZES
    if arguments[:1] == ["--sizes"]:
        sizes = tuple(int(size) for size in arguments[1].split(","))
        del arguments[:2]
    for shape in arguments or SHAPES:
        rows = [_measured(shape, size) for size in sizes]
        counted = [row.pop("count") for row in rows]
        print(f"{shape:24}" + "".join(f"{number:>14,.0f}" for number in counted) + f"{'slope':>8}   operators")
        for stage in rows[0]:
            unit = "MB" if stage.startswith(("peak of", "peak,", "size")) else "s"
            told = [row[stage] for row in rows]
            slope = math.log(max(told[-1], 1e-9) / max(told[0], 1e-9)) / math.log(counted[-1] / counted[0])
            print(f"  {stage:22}" + "".join(f"{value:14.3f}" for value in told) + f"{slope:8.2f}   {unit}")
        print()


def _measured(shape: str, size: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_scale", "--one", shape, str(size)]
    row: dict[str, float] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return row


def _one(shape: str, size: int) -> None:
    import torch

    torch.set_num_threads(1)
    from mac_audit import api, construction, engine
    from mac_audit.capture import record
    from mac_audit.device_file import find
    from mac_audit.garbage import collected_later
    from mac_audit.lower import lower
    from mac_audit.network import Network
    from mac_audit.profile import Profile
    from mac_audit.report import Report
    from mac_audit.reporters import View, reporter
    from mac_audit.rule import discover
    from mac_audit.suppress import LayerIgnore, suppressed

    x = given(shape)
    api.audit(SHAPES[shape](10), x)  # imports
    before = _peak()
    row: dict[str, float] = {}

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        start = time.process_time()
        yield
        row[name] = time.process_time() - start

    with collected_later():
        with stage("build"):
            model, _ = construction.construct(lambda: SHAPES[shape](size), shape)
        built = _peak()
        with stage("capture"):
            recording = record(model, x)
        with stage("lower"):
            network = lower(recording)
        del recording
        captured = _peak()
        row["count"] = len(network.operators)
        with stage("fused"):
            Profile(network, "fused")
        with stage("folded"):
            profile = Profile(network)
        for part in ("operators", "layers", "structure", "peak", "in_registers"):
            with stage(part):
                getattr(profile, part)
        for rule in discover():
            if not rule.lacks(()):
                with stage(rule.code):
                    rule(profile)
        with stage("report"):
            report = engine.audit(profile, discover(), target=shape)
        audited = _peak()
        with stage("suppressed"):
            suppressed(report, profile, discover(), [LayerIgnore("nothing", "")])
        with stage("on a device"):
            engine.audit(Profile(network, device=find(DEVICE)), (), target=shape)
        view = View(width=100)
        for name in ("table", "json", "sarif", "markdown"):
            with stage(f"-o {name}"):
                text = reporter(name)([report], view)
            row[f"size of {name}"] = len(text) / 2**20
            if name == "json":
                with stage("report from JSON"):
                    Report.from_json(text)
        with stage("network to JSON"):
            text = network.to_json()
        with stage("network from JSON"):
            Network.from_json(text)
    row["peak of the model"] = (built - before) / 1024
    row["peak, with capture"] = (captured - before) / 1024
    row["peak, with report"] = (audited - before) / 1024
    row["peak, with formats"] = (_peak() - before) / 1024
    print(json.dumps(row))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    _one(sys.argv[2], int(sys.argv[3])) if sys.argv[1:2] == ["--one"] else main()

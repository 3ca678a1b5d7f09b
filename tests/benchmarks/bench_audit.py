"""What an audit costs: printed, never asserted, for machines differ and are shared.

Run ``python tests/benchmarks/bench_audit.py [TARGET ...]``; each target is measured in a process of its own. The
floor is a bare ``forward`` of the same model under torch's ``FakeTensorMode``.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time

TARGETS = ("zoo:resnet50", "zoo:mobilenet_v2_x1_0", "zoo:shufflenet_v2_x1_0", "zoo:nasnet_a_mobile")
RUNS = 7


def main() -> None:
    help_times = [_command_time("--help") for _ in range(RUNS)]
    whole_times = [_command_time("zoo:resnet50", "-o", "json") for _ in range(3)]
    print(f"mac-audit --help             {statistics.median(help_times):6.2f} s   whole process, median of {RUNS}")
    print(f"mac-audit zoo:resnet50       {statistics.median(whole_times):6.2f} s   whole process, median of 3")
    print()
    print(f"{'seconds':24}{'build':>8}{'first':>8}{'warm':>8}{'floor':>8}{'warm/floor':>12}{'peak over torch':>18}")
    for target in sys.argv[1:] or TARGETS:
        done = subprocess.run([sys.executable, __file__, "--one", target], capture_output=True, text=True, check=True)
        row = json.loads(done.stdout)
        print(
            f"{target:24}{row['build']:8.3f}{row['first']:8.3f}{row['warm']:8.3f}{row['floor']:8.3f}"
            f"{row['warm'] / row['floor']:12.2f}{row['peak_mb']:15.0f} MB"
        )


def _command_time(*arguments: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "mac_audit", *arguments], capture_output=True, check=False)
    return time.perf_counter() - start


def _one(target: str) -> None:
    import torch

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    from mac_audit import api, zoo
    from mac_audit import load as loading

    zoo.models()  # imports
    start = time.perf_counter()
    loaded = loading.load(target)
    build = time.perf_counter() - start
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        api.audit(loaded.model, loaded.inputs, target=target)
        times.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    floor = statistics.median(_floor(loaded) for _ in range(RUNS))
    row = {"build": build, "first": times[0], "warm": statistics.median(times[1:]), "floor": floor}
    print(json.dumps({**row, "peak_mb": (peak - before) / 1024, "torch": torch.__version__}))


def _floor(loaded) -> float:
    """Seconds of a bare forward on fake tensors, the making of the fake parameters included."""
    import torch

    from mac_audit import _torch as private

    mode = private.FakeTensorMode(allow_non_fake_inputs=True)
    model = loaded.model.eval()
    start = time.perf_counter()
    state = {name: private.fake_twin(mode, tensor) for name, tensor in model.state_dict().items()}
    inputs = tuple(private.fake_twin(mode, tensor) for tensor in loaded.inputs.args)
    with torch.no_grad(), mode:
        torch.func.functional_call(model, state, inputs)
    return time.perf_counter() - start


if __name__ == "__main__":
    _one(sys.argv[2]) if sys.argv[1:2] == ["--one"] else main()

"""What isolation costs: printed, never asserted, for machines differ and are shared.

Run ``python -m tests.benchmarks.bench_isolation [PAIRS] [TARGET]``. Whole commands with and without ``--no-isolation``
take turns, so that other load meets both; the figures are medians, and the median of the differences within pairs.
``start`` is a bare interpreter that imports torch, which either needs.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

PAIRS = 15


def main() -> None:
    """Print the table."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    target = sys.argv[2] if len(sys.argv) > 2 else "zoo:resnet50"
    audit = ["-m", "mac_audit", "check", target, "--isolated", "-o", "json"]
    commands = {"start": ["-c", "import torch"], "apart": audit, "in process": [*audit, "--no-isolation"]}
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(pairs + 1):
        for name, arguments in commands.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
            if turn:  # the first reads files that nothing else has read
                taken[name].append(time.perf_counter() - start)
    print(f"{target}, medians of {pairs} runs")
    for name, runs in taken.items():
        print(f"{name:12}{statistics.median(runs):8.3f} s")
    more = statistics.median(a - b for a, b in zip(taken["apart"], taken["in process"], strict=True))
    print(f"isolation adds {1000 * more:.0f} ms, {100 * more / statistics.median(taken['in process']):.1f} %")


if __name__ == "__main__":
    main()

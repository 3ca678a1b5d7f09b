"""What the commands cost that need no torch: printed, never asserted, for machines differ and are shared.

Run ``python tests/benchmarks/bench_diff.py``. The reports are those of ResNet-50, at two resolutions.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 9


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        old, new = Path(folder) / "old.json", Path(folder) / "new.json"
        for file, side in ((old, 192), (new, 224)):
            command = ["zoo:resnet50", "--input", f"1,3,{side},{side}", "-o", f"json={file}"]
            subprocess.run([sys.executable, "-m", "mac_audit", *command], capture_output=True, check=False)
        for arguments in (["--help"], ["rule", "G1"], ["diff", str(old), str(new)], ["diff", str(old), str(old)]):
            passed, worked = zip(*(_seconds(arguments) for _ in range(RUNS)), strict=True)
            shown = " ".join(Path(argument).name for argument in arguments)
            seconds = f"{statistics.median(passed):6.2f} s passed,{statistics.median(worked):6.2f} s of the processor"
            print(f"mac-audit {shown:24}{seconds}; whole process, median of {RUNS}")


def _seconds(arguments: list[str]) -> tuple[float, float]:
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "mac_audit", *arguments], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, worked


if __name__ == "__main__":
    main()

"""``mac-audit calibrate``: learn this machine by measuring it."""

from __future__ import annotations

from pathlib import Path

import click

from mac_audit.cli.options import errors_told
from mac_audit.cli.standard_output import show


@click.command()
@click.option(
    "--backend", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True, help="What to measure."
)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Threads of the processor.")
@click.option("--name", help="What to call the device; by default after the machine.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file; by default among your devices.")
@click.option("--quick", is_flag=True, help="One pass in place of three.")
@click.option("--afresh", is_flag=True, help="Measure again what was measured before.")
def calibrate(backend: str, threads: int, name: str | None, output: Path | None, quick: bool, afresh: bool) -> None:
    """Measure this machine and write it down as a device, for --device auto.

    What a round measured is kept when it is done: interrupted, it goes on with the next.
    """
    with errors_told(show_traceback=False):
        from rich.console import Console
        from rich.progress import Progress

        from mac_audit.device_file import home, written
        from mac_audit.files import write_whole
        from mac_audit.measuring import calibrate as calibration
        from mac_audit.measuring.store import Timings

        console = Console(stderr=True)
        machine = calibration.machine(backend, threads)
        store = Timings(name or machine.name, calibration.torch_version())
        if afresh:
            store.forget()
        with Progress(console=console) as bar:
            task = bar.add_task("measuring", total=None)

            def progress(what: str, done: int, of: int) -> None:
                bar.update(task, completed=done, total=of, description=f"{what[:40]:40}")

            found = calibration.measure(machine, store, progress, quick)
            task = bar.add_task("fitting", total=calibration.FOLDS + 1)
            steps, memory = calibration.memory_ladder(machine)
            device = calibration.device_of(machine, found, steps, memory, lambda: bar.advance(task), name)
        path = output or home() / "devices" / f"{device.name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, written(device))
        show(f"{device.name}: {len(found)} workloads, written to {path}")
        if device.fit is not None:
            show(f"median error {device.fit.error:.1%}, {device.fit.held_out:.1%} on workloads that were left out")
        noisy = calibration.too_noisy(found)
        spread = calibration.spread(found)
        show(f"spread of a measurement {spread:.1%} in the median; {len(noisy)} of them too wide to be trusted")
        if calibration.too_busy(found):
            click.echo("The machine was too busy to trust this; calibrate --afresh when it is quiet.", err=True)

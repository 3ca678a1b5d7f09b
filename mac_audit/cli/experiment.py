"""``mac-audit experiment``: the paper's experiments on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from mac_audit.cli.options import errors_told
from mac_audit.cli.standard_output import show

if TYPE_CHECKING:
    from mac_audit.experiments.outcome import Guideline


@click.command()
@click.argument("which", type=click.Choice(["g1", "g2", "g3", "g4", "all"]))
@click.option(
    "--backend", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True, help="Where to run it."
)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Threads of the processor.")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float16", "bfloat16"]),
    default="float32",
    show_default=True,
    help="Of all.",
)
@click.option("--compile", "compiled", is_flag=True, help="Run what torch.compile makes of the networks.")
@click.option("--name", help="What to call the device; by default after the machine.")
@click.option("--plot", type=click.Path(path_type=Path), help="A picture, .svg or .png; needs mac-audit[plot].")
@click.option("--json", "data", type=click.Path(path_type=Path), help="The figures as a JSON list.")
def experiment(
    which: Guideline | Literal["all"],
    backend: str,
    threads: int,
    dtype: str,
    compiled: bool,
    name: str | None,
    plot: Path | None,
    data: Path | None,
) -> None:
    """Repeat the experiments behind the guidelines here: does each hold on this machine, and how strongly?

    Networks and sizes are those of the paper's Tables 1 to 4; its own two platforms stand beside. What was found is
    kept: findings of a report with that --device cite it.
    """
    with errors_told(show_traceback=False):
        from mac_audit.experiments import run as running
        from mac_audit.experiments.kept import folder_for, keep
        from mac_audit.files import write_whole
        from mac_audit.measuring.calibrate import machine

        folder_for(name or machine(backend, threads).name)  # before anything is measured
        chosen = list(running.GUIDELINES) if which == "all" else [which]
        found = []
        for guideline in chosen:
            found.append(
                running.run(
                    guideline,
                    backend,
                    threads=threads,
                    dtype=dtype,
                    compiled=compiled,
                    device=name,
                    progress=lambda text: click.echo(text, err=True),
                )
            )
            show("\n".join(running.lines(found[-1])))
            click.echo(f"kept in {keep(found[-1])}", err=True)
        if data is not None:
            write_whole(data, "[" + ",\n".join(each.to_json().rstrip() for each in found) + "]\n")
        if plot is not None:
            from mac_audit.experiments.plot import draw

            draw(found, plot)

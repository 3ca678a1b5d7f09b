"""``mac-audit trace``: capture a model once, to audit and compare it where there is no torch."""

from __future__ import annotations

from pathlib import Path

import click

from mac_audit.cli.options import errors_told, request_options
from mac_audit.cli.progress import working
from mac_audit.cli.standard_output import show
from mac_audit.files import write_whole
from mac_audit.request import Request, is_saved


@click.command()
@click.argument("target")
@request_options
@click.option("-o", "--output", metavar="FILE", help="Where to write it, a .json file; else to standard output.")
@click.option("--traceback", "show_traceback", is_flag=True, help="Show Python's traceback of an error.")
def trace(request: Request, output: str | None, show_traceback: bool) -> None:
    """Write the network that TARGET is, as JSON; `mac-audit FILE` audits it without importing torch."""
    with errors_told(show_traceback):
        from mac_audit.isolation import isolated, only
        from mac_audit.job import traced

        with working(f"capturing {request.target}"):
            text = only(isolated(str, traced, (request,), request) if not is_saved(request.target) else traced(request))
        if output:
            write_whole(Path(output), text)
        else:
            show(text, nl=False)

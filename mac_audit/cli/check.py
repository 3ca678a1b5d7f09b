"""``mac-audit check``, the default command: audit a target and report it."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mac_audit.cli.options import errors_told, request_options
from mac_audit.errors import MacAuditError
from mac_audit.files import write_whole
from mac_audit.request import Request


@click.command()
@click.argument("target")
@request_options
@click.option(
    "--flop-convention",
    type=click.Choice(["paper", "torch"]),
    default="paper",
    show_default=True,
    help="One or two FLOPs a multiply-add.",
)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help="table (the default) or json, to standard output or a file; may be repeated.",
)
@click.option("--depth", type=click.IntRange(min=1), help="Depth of the layer table.")
@click.option(
    "--sort",
    type=click.Choice(["order", "mac", "madds", "params", "time"]),
    default="order",
    show_default=True,
    help="Layers in the model's order, or the costliest first.",
)
@click.option("--strict", is_flag=True, help="Exit 1 where an operator is unknown.")
@click.option("--traceback", "show_traceback", is_flag=True, help="Show Python's traceback of an error.")
def check(request: Request, outputs: tuple[str, ...], show_traceback: bool, **settings: Any) -> None:
    """Audit TARGET: costs by layer, the guidelines' verdicts, and an exit status."""
    with errors_told(show_traceback):
        sys.exit(_check(request, outputs or ("table",), **settings))


def _check(
    request: Request, outputs: Sequence[str], flop_convention: Any, depth: int | None, sort: Any, strict: bool
) -> int:
    from mac_audit.reporters import View, reporter

    destinations = [(reporter(name), file) for name, _, file in (text.partition("=") for text in outputs)]
    if sum(not file for _, file in destinations) > 1:
        raise MacAuditError("Two formats go to standard output; give all but one a file, as in -o json=report.json.")
    if sort == "time" and not request.device:
        raise MacAuditError("--sort time needs times; name a device with --device, `mac-audit devices` lists them.")
    with contextlib.redirect_stdout(sys.stderr):  # what the model's code prints is no result
        from mac_audit.api import audit_request

        gc.freeze()  # what imports left behind is not looked through again: a third of the time of a short audit
        report = audit_request(request, flop_convention=flop_convention)
    for render, file in destinations:
        if file:
            write_whole(Path(file), render(report, View(width=100, depth=depth, sort=sort)))
        else:
            width = shutil.get_terminal_size().columns
            click.echo(render(report, View(width, _colored(), depth, sort)), nl=False, color=_colored())
    for rule in report.errors:
        click.echo(f"mac-audit: the rule {rule.code} crashed ({rule.reason}); report it to its author.", err=True)
    if report.errors:
        return 2
    return int(report.verdict == "fail" or (strict and report.totals.lower_bound))


def _colored() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

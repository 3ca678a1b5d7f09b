"""``mac-audit prove``: try a finding on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from mac_audit.cli.options import errors_told, request_options
from mac_audit.cli.progress import working
from mac_audit.cli.standard_output import show
from mac_audit.errors import MacAuditError
from mac_audit.request import Request


@click.command()
@click.argument("target")
@request_options
@click.option("--finding", "number", type=click.IntRange(min=1), default=1, show_default=True, help="Which, by saving.")
@click.option("--list", "listing", is_flag=True, help="Only list the findings that can be tried, by number.")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Threads of the processor.")
@click.option(
    "--backend", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True, help="Where to run it."
)
def prove(request: Request, number: int, listing: bool, threads: int, backend: str, **_: Any) -> None:
    """Time what a finding of TARGET blames against what it would have instead, on this machine."""
    with errors_told(show_traceback=False):
        from mac_audit.isolation import isolated, only

        with working(f"measuring a finding of {request.target}"):
            text = only(isolated(str, _proved, (request, 0 if listing else number, threads, backend), request))
        show(text, nl=False)


def _proved(request: Request, number: int, threads: int, backend: str) -> Iterator[str]:
    from mac_audit.device_file import AUTO, calibrated, find
    from mac_audit.measuring import prove as proving
    from mac_audit.measuring.calibrate import machine
    from mac_audit.reporters import proof
    from mac_audit.rule import discover

    machine(backend, threads)
    name = request.device or (AUTO if calibrated() else None)
    device = find(name) if name else None
    profile = proving.profile_of(request, device)
    found = proving.findings(profile, discover())
    if not found:
        raise MacAuditError(f"{request.target} has no finding that can be tried; `mac-audit` shows what it has.")
    if not number:
        yield proof.listed(found, request.target)
        return
    if number > len(found):
        raise MacAuditError(f"{request.target} has {len(found)} findings to try; --list tells them, not {number}.")
    if device is not None and device.threads not in (0, threads):
        raise MacAuditError(
            f"{device.name} was calibrated with {device.threads} threads; give --threads {device.threads}, or a"
            f" --device of {threads}."
        )
    result = proving.prove(found[number - 1], profile, device, backend, threads)
    yield proof.render(result, request.target, number, len(found), device.name if device else None)

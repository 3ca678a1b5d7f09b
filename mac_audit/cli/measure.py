"""``mac-audit measure``: run a model here, and compare."""

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
@click.option("--rounds", type=click.IntRange(min=3), default=9, show_default=True, help="Runs to take the median of.")
@click.option(
    "--operators",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="How many to show, those furthest off first.",
)
def measure(request: Request, rounds: int, operators: int, **_: Any) -> None:
    """Run TARGET with random weights on this machine, and print predicted against measured times.

    The device is that of --device, or the one calibrated last. Operators' times are kept: --device then predicts other
    models that have the same ones from them.
    """
    with errors_told(show_traceback=False):
        from mac_audit.isolation import isolated, only

        with working(f"measuring {request.target}"):
            text = only(isolated(str, _measured, (request, rounds, operators), request))
        show(text, nl=False)


def _measured(request: Request, rounds: int, operators: int) -> Iterator[str]:
    from mac_audit.device_file import AUTO, find
    from mac_audit.measuring import measure as measuring
    from mac_audit.reporters import measured
    from mac_audit.tracing import load_request

    if request.execution != measuring.EXECUTION and request.execution != Request("").execution:
        raise MacAuditError(f"Models are measured as PyTorch runs them, not as {request.execution}; leave it out.")
    device = find(request.device or AUTO)
    measuring.backend_of(device)
    loaded = load_request(request)
    store = measuring.store_of(device)
    found = measuring.measure(loaded.model, loaded.inputs, device, request.target, rounds, store)
    store.close()
    yield measured.render(found, operators)

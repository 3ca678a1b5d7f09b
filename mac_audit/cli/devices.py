"""``mac-audit devices``: what times can be predicted for."""

from __future__ import annotations

import click

from mac_audit.cli.options import errors_told
from mac_audit.cli.standard_output import show


@click.command(name="devices")
@click.argument("name", required=False, metavar="[NAME|FILE.toml]")
def list_devices(name: str | None) -> None:
    """List the devices that times are predicted for; with a NAME, show its figures and where they come from."""
    from mac_audit.device_file import bundled, calibrated, find
    from mac_audit.reporters import device

    with errors_told(show_traceback=False):
        if name is None:
            known = {**calibrated(), **bundled()}
            show(device.overview([find(each) for each in known]), nl=False)
        else:
            show(device.page(find(name)), nl=False)

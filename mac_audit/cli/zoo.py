"""``mac-audit zoo``: the bundled networks with their verdicts."""

from __future__ import annotations

import click

from mac_audit.cli.options import errors_told
from mac_audit.cli.standard_output import show
from mac_audit.errors import MacAuditError


@click.command(name="zoo")
@click.argument("names", nargs=-1, metavar="[NAME ...]")
@click.option("--batch", "batches", multiple=True, type=click.IntRange(min=1), help="A batch size; may be repeated.")
@click.option(
    "--resolution", "resolutions", multiple=True, type=click.IntRange(min=1), help="An input side; may be repeated."
)
def list_zoo(names: tuple[str, ...], batches: tuple[int, ...], resolutions: tuple[int, ...]) -> None:
    """List the bundled networks with their costs and verdicts; NAME may hold wildcards, as in 'shufflenet_v2*'."""
    from fnmatch import fnmatch

    with errors_told(show_traceback=False):
        from mac_audit import zoo
        from mac_audit.api import audit
        from mac_audit.load import load
        from mac_audit.reporters import overview

        known = [name for name in zoo.models() if not names or any(fnmatch(name, pattern) for pattern in names)]
        if not known:
            raise MacAuditError(f"No network of the zoo is called {names[0]!r}; mac-audit zoo lists them all.")
        show(overview.heading())
        for name in known:
            channels, *own = load(f"zoo:{name}").inputs.tensors[0].shape[1:]
            for side in resolutions or (own[0],):
                for batch in batches or (1,):
                    loaded = load(f"zoo:{name}", inputs=[f"{batch},{channels},{side},{side}"])
                    show(overview.row(audit(loaded.model, loaded.inputs, target=name)))
        show(overview.legend())

"""``mac-audit diff``: what changed between two audits, and whether it grew too much."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from mac_audit.cli.options import errors_told, given_options
from mac_audit.cli.outputs import output_option, outputs, write
from mac_audit.cli.progress import working
from mac_audit.errors import MacAuditError, nearest

if TYPE_CHECKING:
    from mac_audit.diff import Diff
    from mac_audit.reporters import View

FORMATS = ("table", "json", "markdown", "html")


@click.command(name="diff")
@click.argument("sources", nargs=-1, metavar="[OLD] NEW")
@click.option("--git", "revision", metavar="REVISION", help="Compare targets with what they were at this git revision.")
@given_options
@click.option(
    "--fail-on-increase",
    "growths",
    multiple=True,
    metavar="FIGURE[:GROWTH]",
    help="Exit 1 where a figure grew by more: mac:2%, params:10 K, mac_bytes:1 MB, G1:0.01; may be repeated.",
)
@output_option("table (the default), json, markdown or html")
@click.option("--traceback", "show_traceback", is_flag=True, help="Show Python's traceback of an error.")
def diff(show_traceback: bool, **settings: Any) -> None:
    """Tell what changed from OLD to NEW: in the totals, layer by layer, rule by rule.

    Each is a report that -o json wrote, a network that trace saved, or a target. With --git, give targets only, or
    none for all models of the configuration.

    Exit status: 0, or 1 where a figure grew more than --fail-on-increase allows, or 2 where nothing could be compared.
    """
    with errors_told(show_traceback):
        sys.exit(_diff(**settings))


def _diff(
    sources: tuple[str, ...],
    revision: str | None,
    given: dict[str, Any],
    growths: tuple[str, ...],
    texts: tuple[str, ...],
) -> int:
    from mac_audit import sides
    from mac_audit.increase import allowance, limited

    destinations = outputs(texts, _renderer)
    allowances = [allowance(text) for text in growths]
    if revision is None and len(sources) != 2:
        raise MacAuditError(f"A diff needs OLD and NEW, or --git REVISION; it got {len(sources)} of two.")
    with working(f"auditing both sides{f' of {revision}' if revision else ''}"):
        if revision is not None:
            old, new = sides.since(revision, sources, given)
        else:
            old, new = sides.two(sources[0], sources[1], given)
    diffs = [limited(diff, allowances) for diff in sides.diffs(old, new)]
    write(diffs, destinations)
    return int(any(diff.exceeded for diff in diffs))


def _renderer(name: str) -> Callable[[Sequence[Diff], View], str]:
    if name not in FORMATS:
        raise MacAuditError(
            f"A diff has no format {name!r}; choose one of {', '.join(FORMATS)}.{nearest(name, FORMATS)}"
        )
    render: Callable[[Sequence[Diff], View], str] = import_module(f"mac_audit.reporters.diff_{name}").render
    return render

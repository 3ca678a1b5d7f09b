"""The options that say how much of a report is shown."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from mac_audit.errors import MacAuditError

_OPTIONS = (
    click.option("--depth", type=click.IntRange(min=1), help="Depth of the layer table."),
    click.option(
        "--sort",
        type=click.Choice(["order", "mac", "madds", "params", "time"]),
        show_default="order",
        help="Layers in the model's order, or the costliest first.",
    ),
    click.option("--unfold", is_flag=True, help="A row for each layer, also where neighbours are alike."),
    click.option("-q", "--quiet", is_flag=True, help="A line for each finding and the verdict, nothing else."),
    click.option("-v", "--verbose", is_flag=True, help="All layers and findings, and what each rule is about."),
)


def view_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give ``command`` options of the view; it receives those that were given as ``view``, by their names."""

    @functools.wraps(command)
    def with_view(
        *, depth: int | None, sort: str | None, unfold: bool, quiet: bool, verbose: bool, **others: Any
    ) -> Any:
        view = {"depth": depth, "sort": sort, "unfold": unfold, "quiet": quiet, "verbose": verbose}
        return command(view={name: value for name, value in view.items() if value}, **others)

    for option in reversed(_OPTIONS):
        with_view = option(with_view)
    return with_view


def wanted(view: dict[str, Any]) -> dict[str, Any]:
    """Fields of ``mac_audit.reporters.View`` from the options."""
    if "quiet" in view and "verbose" in view:
        raise MacAuditError("--quiet shows less and --verbose more; give one of them.")
    detail = next((name for name in ("quiet", "verbose") if name in view), "normal")
    return {
        "depth": view.get("depth"),
        "sort": view.get("sort", "order"),
        "fold": "unfold" not in view,
        "detail": detail,
    }

"""The options that stand over a configuration file, and the file that holds."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mac_audit.cli.options import errors_told, given_options
from mac_audit.errors import MacAuditError

if TYPE_CHECKING:
    from mac_audit.config import Config

_OPTIONS = (
    click.option("--config", metavar="FILE", help="Read this configuration and look for no other."),
    click.option("--isolated", is_flag=True, help="Read no configuration file."),
    click.option("--select", multiple=True, metavar="RULES", help="Run these rules alone: codes, names, G or ALL."),
    click.option("--extend-select", multiple=True, metavar="RULES", help="Run these rules too."),
    click.option("--ignore", multiple=True, metavar="RULES", help="Do not run these rules."),
    click.option(
        "--budget",
        "budgets",
        multiple=True,
        metavar="NAME=LIMIT",
        help="What the model may cost, as in madds='300 M' or mac='25 MB'; may be repeated.",
    ),
    click.option(
        "--fail-on",
        type=click.Choice(["error", "warning", "note"]),
        show_default="error",
        help="The least severity of a rule whose failure makes the exit status 1.",
    ),
    click.option("--strict", is_flag=True, default=None, help="Exit 1 where an operator is unknown."),
    click.option(
        "--baseline",
        is_flag=False,
        flag_value="mac-audit-baseline.json",
        metavar="[FILE]",
        help="Findings that are in this file do not count [without FILE: mac-audit-baseline.json].",
    ),
)


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give ``command`` the options of a request and those that judge; it receives ``file`` and ``line``.

    Both are a ``Config``: what the configuration file says, and what the command line says over it.
    """

    @functools.wraps(command)
    def with_settings(
        *,
        given: dict[str, Any],
        config: str | None,
        isolated: bool,
        select: tuple[str, ...],
        extend_select: tuple[str, ...],
        ignore: tuple[str, ...],
        budgets: tuple[str, ...],
        fail_on: Any,
        strict: bool | None,
        baseline: str | None,
        **others: Any,
    ) -> Any:
        with errors_told(others.get("show_traceback", False)):
            from mac_audit.config import Config

            line = Config(
                request=given,
                select=_listed(select) if select else None,
                extend_select=_listed(extend_select),
                ignore=_listed(ignore),
                budgets=dict(map(_budget, budgets)),
                fail_on=fail_on,
                strict=strict,
                baseline=baseline,
            )
            file = _read(config, isolated)
        return command(file=file, line=line, **others)

    for option in reversed(_OPTIONS):
        with_settings = option(with_settings)
    return given_options(with_settings)


def _listed(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for text in texts for part in text.split(",") if (name := part.strip()))


def _budget(text: str) -> tuple[str, str]:
    name, equals, limit = text.partition("=")
    if not equals:
        raise MacAuditError(f"--budget {text!r} is not NAME=LIMIT; write it like --budget madds='300 M'.")
    return name.strip(), limit


def _read(given: str | None, isolated: bool) -> Config:
    from mac_audit import config

    if given and isolated:
        raise MacAuditError("--config names a file and --isolated reads none; give one of them.")
    path = Path(given).absolute() if given else None if isolated else config.find(Path.cwd())
    return config.read(path) if path else config.Config()

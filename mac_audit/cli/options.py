"""Options that several commands share, and how errors are told."""

from __future__ import annotations

import ast
import contextlib
import functools
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import click

from mac_audit.errors import MacAuditError
from mac_audit.request import Request

_REQUEST_OPTIONS = (
    click.option("--arg", "arguments", multiple=True, metavar="KEY=VALUE", help="An argument for the constructor."),
    click.option(
        "--input",
        "inputs",
        multiple=True,
        metavar="[NAME=]SHAPE[:DTYPE]",
        help="An input, such as 1,3,224,224 or ids=1,77:int64; once for each.",
    ),
    click.option("--batch", type=click.IntRange(min=1), help="The batch size of the inputs."),
    click.option("--seq-len", type=click.IntRange(min=1), help="The number of tokens, or other steps, of the inputs."),
    click.option("--resolution", metavar="N|HxW", help="The side of input images, or height and width."),
    click.option(
        "--phase",
        type=click.Choice(["prefill", "decode"]),
        help="A language model's run over its prompt, or its step to the next token with a cache of --seq-len tokens.",
    ),
    click.option(
        "--execution",
        type=click.Choice(["folded", "eager", "fused"]),
        default="folded",
        show_default=True,
        help="How the graph is run: folded as deployed, eager as captured, fused as compiled.",
    ),
    click.option(
        "--capture",
        type=click.Choice(["auto", "fake", "values", "real"]),
        default="auto",
        show_default=True,
        help="How forward is run: on fake tensors, with small values computed, or for real; auto tries them in turn.",
    ),
)


def request_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give ``command`` the options that say how a target is built, fed and run; it receives them as ``request``.

    The command has an argument ``target`` of its own, which goes into the request.
    """

    @functools.wraps(command)
    def with_request(
        *,
        target: str,
        arguments: tuple[str, ...],
        inputs: tuple[str, ...],
        execution: str,
        capture: Any,
        batch: int | None,
        seq_len: int | None,
        resolution: str | None,
        phase: str | None,
        **others: Any,
    ) -> Any:
        with errors_told(others.get("show_traceback", False)):
            request = Request(
                target,
                dict(map(parse_argument, arguments)),
                inputs,
                execution,
                capture,
                batch,
                seq_len,
                parse_resolution(resolution) if resolution else None,
                phase,
            )
        return command(request=request, **others)

    for option in reversed(_REQUEST_OPTIONS):
        with_request = option(with_request)
    return with_request


def parse_argument(text: str) -> tuple[str, Any]:
    """``key=value`` with a Python literal, ``true``, ``false``, ``none`` or else a string as the value."""
    key, equals, value = text.partition("=")
    if not equals or not all(part.isidentifier() for part in key.split(".")):
        raise MacAuditError(f"--arg {text!r} is not key=value; write it like --arg width=1.5.")
    words = {"true": True, "false": False, "none": None}
    if value.lower() in words:
        return key, words[value.lower()]
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value


def parse_resolution(text: str) -> tuple[int, int]:
    """``N`` or ``HxW`` as height and width."""
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdecimal() and int(side) > 0 for side in sides):
        raise MacAuditError(f"--resolution {text!r} is not N or HxW; write it like 256 or 480x640.")
    return int(sides[0]), int(sides[-1])


@contextlib.contextmanager
def errors_told(show_traceback: bool) -> Iterator[None]:
    """One sentence on standard error and exit status 2; for an error that is ours it says so."""
    try:
        yield
    except Exception as error:
        expected = isinstance(error, MacAuditError)
        if show_traceback:
            traceback.print_exc()
        elif expected:
            click.echo(f"mac-audit: {error}", err=True)
        else:
            text = " ".join(str(error).split())
            click.echo(f"mac-audit: an error of its own, please report it: {type(error).__name__}: {text}", err=True)
        if not show_traceback and (not expected or error.__cause__ is not None):
            click.echo("(--traceback shows where it was raised)", err=True)
        sys.exit(2)

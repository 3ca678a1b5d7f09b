"""Options that several commands share, and how errors are told."""

from __future__ import annotations

import ast
import contextlib
import functools
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import fields
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
        show_default="folded",
        help="How the graph is run: folded as deployed, eager as captured, fused as compiled.",
    ),
    click.option(
        "--capture",
        type=click.Choice(["auto", "fake", "values", "real"]),
        show_default="auto",
        help="How forward is run: on fake tensors, with small values computed, or for real; auto tries them in turn.",
    ),
    click.option(
        "--plugin",
        "plugins",
        multiple=True,
        metavar="FILE_OR_MODULE",
        help="Python with formulas for operators of your own, or with rules; may be repeated.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        show_default="600",
        help="How long the model's code may run to each result; 0 for no limit.",
    ),
    click.option("--memory", metavar="SIZE", help="How much memory it may take, as in '4 GB'; on Linux."),
    click.option("--network", is_flag=True, default=None, help="Leave it the network, which is closed to it."),
    click.option(
        "--no-isolation",
        "isolation",
        is_flag=True,
        flag_value=False,
        default=None,
        help="Run it in this process, without limits, as for a debugger.",
    ),
)
_DEVICE = click.option(
    "--device",
    metavar="NAME|FILE.toml|auto",
    help="Predict times for a device that `mac-audit devices` lists, for your own, or for this machine.",
)
_GIVEN = tuple(field.name for field in fields(Request) if field.name != "target")


def given_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give ``command`` the options that say how a target is built, fed and run, and on what device.

    It receives those that were given as ``given``, by the names of the fields of ``Request``; an option has the name
    of its field.
    """
    return _DEVICE(model_options(command))


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``given_options`` without the device, for a command that asks for it in a way of its own."""

    @functools.wraps(command)
    def with_given(**others: Any) -> Any:
        with errors_told(others.get("show_traceback", False)):
            given = {name: value for name in _GIVEN if (value := others.pop(name, None)) not in (None, ())}
            if "arguments" in given:
                given["arguments"] = dict(map(parse_argument, given["arguments"]))
            if "resolution" in given:
                given["resolution"] = parse_resolution(given["resolution"])
        return command(given=given, **others)

    for option in reversed(_REQUEST_OPTIONS):
        with_given = option(with_given)
    return with_given


def request_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``given_options`` for a command with one argument ``target``; it receives the whole as ``request``."""

    @functools.wraps(command)
    def with_request(*, target: str, given: dict[str, Any], **others: Any) -> Any:
        return command(request=Request(target, **given), **others)

    return given_options(with_request)


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
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):  # nested too deep is the last two
        return key, value


def parse_resolution(text: str) -> tuple[int, int]:
    """``N`` or ``HxW`` as height and width."""
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdecimal() and len(side) < 10 and int(side) > 0 for side in sides):
        raise MacAuditError(f"--resolution {text[:60]!r} is not N or HxW; write it like 256 or 480x640.")
    return int(sides[0]), int(sides[-1])


@contextlib.contextmanager
def errors_told(show_traceback: bool) -> Iterator[None]:
    """One sentence on standard error and exit status 2; for an error that is ours it says so."""
    try:
        yield
    except KeyboardInterrupt:
        told("interrupted.")
        sys.exit(130)
    except BrokenPipeError:
        raise  # nobody reads on, as in `| head`; click ends quietly
    except Exception as error:
        from mac_audit.reporters.escape import printable_lines

        expected = isinstance(error, MacAuditError)
        if show_traceback:
            sys.stderr.write(printable_lines(traceback.format_exc()))
        elif expected:
            told(str(error))
        else:
            text = " ".join(str(error).split())
            told(f"an error of its own, please report it: {type(error).__name__}: {text}")
        if not show_traceback and (not expected or error.__cause__ is not None):
            click.echo("(--traceback shows where it was raised)", err=True)
        sys.exit(2)


def told(sentence: str) -> None:
    """Print a sentence on standard error; it may quote other people's code."""
    from mac_audit.reporters.escape import printable

    click.echo(f"mac-audit: {printable(sentence)}", file=sys.stderr)

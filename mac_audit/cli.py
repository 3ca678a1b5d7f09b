"""The command line. ``mac-audit model.py`` is ``mac-audit check model.py``."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from mac_audit.errors import MacAuditError


class _DefaultGroup(click.Group):
    """A group whose first command needs no name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h", "--version"):
            args.insert(0, "check")
        return super().parse_args(ctx, args)


@click.group(cls=_DefaultGroup, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.version_option(package_name="mac-audit")
def main() -> None:
    """Lint neural-network architectures for what they really cost.

    `mac-audit model.py` audits the model in a file; `mac-audit check --help` has all options.

    \b
    Targets:
      model.py              its model, build_model() or only nn.Module
      model.py:Name         that object, class or function
      package.module:name   the same of an importable module
      zoo:NAME              a bundled network, such as zoo:shufflenet_v2_x1_0
      torchvision:NAME      a network of torchvision, timm:NAME one of timm

    Exit status: 0 no findings, 1 findings, 2 the audit could not be done.
    """


@main.command()
@click.argument("target")
@click.option("--arg", "arguments", multiple=True, metavar="KEY=VALUE", help="An argument for the constructor.")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="[NAME=]SHAPE[:DTYPE]",
    help="An input, such as 1,3,224,224 or ids=1,77:int64; once for each.",
)
@click.option(
    "--execution",
    type=click.Choice(["folded", "eager", "fused"]),
    default="folded",
    show_default=True,
    help="How the graph is run: folded as deployed, eager as captured, fused as compiled.",
)
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
    type=click.Choice(["order", "mac", "madds", "params"]),
    default="order",
    show_default=True,
    help="Layers in the model's order, or the costliest first.",
)
@click.option("--strict", is_flag=True, help="Exit 1 where an operator is unknown.")
@click.option("--traceback", "show_traceback", is_flag=True, help="Show Python's traceback of an error.")
def check(
    target: str,
    arguments: tuple[str, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    strict: bool,
    show_traceback: bool,
    **settings: Any,
) -> None:
    """Audit TARGET: costs by layer, the guidelines' verdicts, and an exit status."""
    with _errors_told(show_traceback):
        sys.exit(_check(target, arguments, inputs, outputs or ("table",), strict, **settings))


def _check(
    target: str,
    arguments: Sequence[str],
    inputs: Sequence[str],
    outputs: Sequence[str],
    strict: bool,
    execution: str,
    flop_convention: Any,
    depth: int | None,
    sort: Any,
) -> int:
    from mac_audit.reporters import View, reporter

    destinations = [(reporter(name), file) for name, _, file in (text.partition("=") for text in outputs)]
    if sum(not file for _, file in destinations) > 1:
        raise MacAuditError("Two formats go to standard output; give all but one a file, as in -o json=report.json.")
    with contextlib.redirect_stdout(sys.stderr):  # what the model's code prints is no result
        from mac_audit.api import audit
        from mac_audit.load import load, parse_argument

        gc.freeze()  # what imports left behind is not looked through again: a third of the time of a short audit
        loaded = load(target, dict(map(parse_argument, arguments)), inputs)
        report = audit(
            loaded.model,
            loaded.inputs,
            execution=execution,
            flop_convention=flop_convention,
            target=target,
            construction=loaded.construction,
        )
    for render, file in destinations:
        if file:
            _write(Path(file), render(report, View(width=100, depth=depth, sort=sort)))
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


def _write(path: Path, text: str) -> None:
    """Replace ``path`` as a whole, so that an interrupted run leaves the old file."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise MacAuditError(f"{path} cannot be written: {error.strerror}; give another file.") from error


@main.command(name="rule")
@click.argument("names", nargs=-1, metavar="[CODE ...]")
@click.option("--all", "everything", is_flag=True, help="Every installed rule.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
def explain(names: tuple[str, ...], everything: bool, output: str) -> None:
    """Explain rules: what each measures, why, what to write instead, its options. CODE is a code or a name."""
    from mac_audit import page
    from mac_audit.rule import discover, find

    with _errors_told(show_traceback=False):
        installed = discover()
        if not names and not everything:
            for rule in installed:
                click.echo(f"{rule.code}  {rule.name:20}  {page.data(rule)['summary']}")
            return
        rules = list(installed) if everything else [find(installed, name) for name in names]
        if output == "json":
            click.echo(page.as_json(rules), nl=False)
        else:
            write = page.markdown if output == "markdown" else page.text
            click.echo("\n".join(map(write, rules)), nl=False)


@main.command(name="zoo")
@click.argument("names", nargs=-1, metavar="[NAME ...]")
@click.option("--batch", "batches", multiple=True, type=click.IntRange(min=1), help="A batch size; may be repeated.")
@click.option(
    "--resolution", "resolutions", multiple=True, type=click.IntRange(min=1), help="An input side; may be repeated."
)
def list_zoo(names: tuple[str, ...], batches: tuple[int, ...], resolutions: tuple[int, ...]) -> None:
    """List the bundled networks with their costs and verdicts; NAME may hold wildcards, as in 'shufflenet_v2*'."""
    from fnmatch import fnmatch

    with _errors_told(show_traceback=False):
        from mac_audit import zoo
        from mac_audit.api import audit
        from mac_audit.load import load
        from mac_audit.reporters import overview

        known = [name for name in zoo.models() if not names or any(fnmatch(name, pattern) for pattern in names)]
        if not known:
            raise MacAuditError(f"No network of the zoo is called {names[0]!r}; mac-audit zoo lists them all.")
        click.echo(overview.heading())
        for name in known:
            channels, *own = load(f"zoo:{name}").inputs.tensors[0].shape[1:]
            for side in resolutions or (own[0],):
                for batch in batches or (1,):
                    loaded = load(f"zoo:{name}", inputs=[f"{batch},{channels},{side},{side}"])
                    click.echo(overview.row(audit(loaded.model, loaded.inputs, target=name)))
        click.echo(overview.legend())


@contextlib.contextmanager
def _errors_told(show_traceback: bool) -> Iterator[None]:
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

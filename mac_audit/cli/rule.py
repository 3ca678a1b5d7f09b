"""``mac-audit rule``: what the rules say of themselves."""

from __future__ import annotations

from pathlib import Path

import click

from mac_audit.cli.options import errors_told
from mac_audit.cli.standard_output import show


@click.command(name="rule")
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
    from mac_audit.plugins import load_plugins
    from mac_audit.rule import discover, find

    with errors_told(show_traceback=False):
        installed = discover(load_plugins(_plugins()))
        if not names and not everything:
            for rule in installed:
                show(f"{rule.code}  {rule.name:20}  {page.data(rule)['summary']}")
            return
        rules = list(installed) if everything else [find(installed, name) for name in names]
        if output == "json":
            show(page.as_json(rules), nl=False)
        else:
            write = page.markdown if output == "markdown" else page.text
            show("\n".join(map(write, rules)), nl=False)


def _plugins() -> tuple[str, ...]:
    """Those of the configuration that holds here: their rules are explained too."""
    from mac_audit import config

    path = config.find(Path.cwd())
    return tuple(config.read(path).request.get("plugins", ())) if path else ()

"""The command ``python -m tests.corpus``."""

from __future__ import annotations

import fnmatch
import sys
from pathlib import Path

import click

from tests.corpus import coverage
from tests.corpus.models import FAMILIES
from tests.corpus.run import run

PAGE = Path(__file__).parents[2] / "docs" / "coverage.md"


@click.command()
@click.argument("patterns", nargs=-1)
@click.option("--jobs", default=2, show_default=True, help="Models at a time, each in a process of its own.")
@click.option("--timeout", default=120.0, show_default=True, help="Seconds until a model is given up.")
def main(patterns: tuple[str, ...], jobs: int, timeout: float) -> None:
    """Audit every model of the corpus and hold its multiply-adds against an independent count.

    PATTERNS like 'torchvision:resnet*' choose among them; without any, docs/coverage.md is written.
    """
    chosen = {
        family: [row for row in rows() if not patterns or any(fnmatch.fnmatch(row.name, p) for p in patterns)]
        for family, rows in FAMILIES.items()
    }
    outcomes = run([row for rows in chosen.values() for row in rows], jobs, timeout)
    families = {family: [_shown(next(outcomes)) for _ in rows] for family, rows in chosen.items()}
    click.echo(coverage.summary(families))
    if not patterns:
        PAGE.write_text(coverage.page(families, "python -m tests.corpus"), encoding="utf-8")
    everything = [outcome for outcomes in families.values() for outcome in outcomes]
    sys.exit(not all(outcome.captured and outcome.agrees is not False for outcome in everything))


def _shown(outcome: coverage.Outcome) -> coverage.Outcome:
    click.echo(coverage.line(outcome))
    return outcome


if __name__ == "__main__":
    main()

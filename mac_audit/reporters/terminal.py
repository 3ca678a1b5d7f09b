"""Text for a terminal, with rich."""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from mac_audit.reporters import View


def printed(parts: Iterable[RenderableType], view: View) -> str:
    """The parts below each other, ``view.width`` wide, with ANSI colours where ``view.color``."""
    console = Console(
        file=io.StringIO(),
        width=view.width,
        force_terminal=view.color,
        color_system="standard" if view.color else None,
        highlight=False,
        emoji=False,
        markup=False,
    )
    for part in parts:
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def heading(title: str, explanation: str = "", first: bool = False) -> Text:
    """A title with an empty line before it, if it is not the first."""
    return Text.assemble("" if first else "\n", (title, "bold"), (f"  {explanation}" if explanation else "", "dim"))


def grid(*justify: str) -> Table:
    """A table without lines, a column for each side; of a word that is too long the rest stands below."""
    table = Table.grid(padding=(0, 2))
    for side in justify:
        table.add_column(justify=side, overflow="fold")  # type: ignore[arg-type]
    return table

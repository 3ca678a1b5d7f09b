"""Text for a terminal, with rich: tables that fit, and the colours.

Colours are of the eight that every terminal has, and of these the ones that can be read on black and on white; none
carries a meaning that no word carries.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mac_audit.reporters import View

# By verdict, and by severity where a rule fails.
STYLES = {
    "pass": "green",
    "fail": "bold red",
    "not-applicable": "dim",
    "error": "bold red",
    "warning": "bold magenta",
    "note": "bold",
}
Cell = str | Text | Callable[[int], Text]  # the last draws itself, as wide as its column became

_INDENT = 2
_GAP = 2
_SHORTEST = 6  # to which a text is cut where it has to be
_EXPLAINED = 26  # columns that prose beside figures needs; with less it stands below


@dataclass(frozen=True, slots=True)
class Column:
    """A column of ``fitted``. One of rank 0 stays; of the others the highest rank goes first where there is no room.

    ``least`` is the width to which its texts may be cut, ``most`` what a cell that draws itself has a use for. One
    without a title, such as one of bars, gets what the others leave. A title may have several lines.
    """

    title: str
    rank: int = 0
    right: bool = True
    least: int = 0
    most: int = 0


def fitted(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int) -> Text:
    """A table in ``width`` characters, numbers whole: first columns are left out, then texts are cut."""
    natural = [_natural(column, [row[i] for row in rows]) for i, column in enumerate(columns)]
    least = [min(own, column.least or own) for own, column in zip(natural, columns, strict=True)]
    kept = list(range(len(columns)))
    while sum(least[i] + _GAP for i in kept) > width and any(columns[i].rank for i in kept):
        kept.remove(max(reversed(kept), key=lambda i: columns[i].rank))
    spare = width - sum(least[i] + _GAP for i in kept)  # the indent is as wide as a gap
    widths = {i: least[i] for i in kept}
    for i in sorted(kept, key=lambda i: not columns[i].title):
        more = min(natural[i] - least[i], spare) if spare >= 0 else max(spare, min(0, _SHORTEST - least[i]))
        if spare >= 0 or columns[i].least:  # else a number, which stays whole
            widths[i] += more
            spare -= more
    lines = [_line([(row[i], widths[i], columns[i].right) for i in kept]) for row in rows]
    titles = [column.title.split("\n") if column.title else [] for column in columns]
    for back in range(1, max(map(len, titles)) + 1):  # from the last line, which all of them have
        cells = ["" if len(title) < back else title[-back] for title in titles]
        line = _line([(cells[i], widths[i], columns[i].right) for i in kept])
        line.stylize("dim")
        lines.insert(0, line)
    return Text("\n").join(lines)


def _natural(column: Column, cells: Iterable[Cell]) -> int:
    widths = (column.most if callable(cell) else cell_len(str(cell)) for cell in cells)
    return max(*map(cell_len, column.title.split("\n")), *widths, 1)


def _line(cells: Iterable[tuple[Cell, int, bool]]) -> Text:
    line = Text(" " * _INDENT, no_wrap=True, overflow="ellipsis")
    for place, (cell, width, right) in enumerate(cells):
        text = cell(width) if callable(cell) else Text(cell) if isinstance(cell, str) else cell.copy()
        text.truncate(width, overflow="ellipsis")
        filling = " " * (width - text.cell_len)
        line.append(" " * _GAP if place else "").append(filling if right else "")
        line.append_text(text).append("" if right else filling)
    return line


def bar(share: float) -> Callable[[int], Text]:
    """A cell: of a full column that share, to half a character."""

    def drawn(width: int) -> Text:
        halves = round(min(max(share, 0), 1) * width * 2)
        return Text("━" * (halves // 2) + "╸" * (halves % 2), style="cyan")

    return drawn


def ending(path: str, width: int) -> Text:
    """Of a path that is too long its end, which tells it from the others; as a cell ``partial(ending, path)``."""
    cut = Text(path[::-1])
    cut.truncate(width, overflow="ellipsis")
    return Text(cut.plain[::-1])


def explained(rows: Sequence[tuple[Sequence[str | Text], str]], width: int, justify: Sequence[str]) -> RenderableType:
    """Figures in columns, ``justify`` of them, with prose beside them where there is room for it, else below them."""
    heads = max(sum(cell_len(str(row[0][i])) for i in range(len(justify))) for row in rows)
    if heads + _GAP * (len(justify) + 1) + _EXPLAINED <= width:
        beside = grid(*justify, "left")
        for cells, prose in rows:
            beside.add_row(*cells, prose)
        return Padding(beside, (0, 0, 0, _INDENT))
    columns = [Column("", right=side == "right", least=0 if side == "right" else 8) for side in justify]
    figures = fitted(columns, [cells for cells, _ in rows], width).split("\n")
    below = Table.grid()
    for line, (_, prose) in zip(figures, rows, strict=True):
        below.add_row(line)
        if prose:
            below.add_row(Padding(Text(prose, style="dim"), (0, 0, 0, 2 * _INDENT)))
    return below


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


def paragraph(label: str, prose: str, indent: int, width: int, styles: tuple[str, str] = ("dim", "")) -> RenderableType:
    """``label`` and prose beside it, from column ``indent``; where that leaves no room, the prose stands below."""
    table = Table.grid()
    table.add_column(overflow="fold")
    if width - indent - len(label) >= _EXPLAINED:
        table.add_column(overflow="fold")
        table.add_row(Text(label, style=styles[0]), Text(prose, style=styles[1]))
    else:
        table.add_row(Text(label.rstrip(), style=styles[0]))
        table.add_row(Padding(Text(prose, style=styles[1]), (0, 0, 0, _INDENT)))
    return Padding(table, (0, 0, 0, indent))

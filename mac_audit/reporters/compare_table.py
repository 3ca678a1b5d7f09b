"""A comparison for a terminal: a line a model, and whether FLOPs order the models as their times do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from textwrap import wrap

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from mac_audit.comparison import Comparison, Model
from mac_audit.report import RuleResult
from mac_audit.reporters import View
from mac_audit.reporters.comparing import (
    COSTS,
    agreement,
    by_code,
    codes,
    costs,
    disagreement,
    expected,
    inputs,
    legend,
    same_inputs,
    times,
    value,
)
from mac_audit.reporters.escape import clean
from mac_audit.reporters.terminal import Cell, Column, ending, fitted, heading, printed

_PAIRS = 5
_WIDE = 110  # from here on there is room for what each rule measured
_DEVICE = 14  # characters of its name in a line of the heading, a hyphen as two
_RANKS = {"bytes": 4, "params": 3, "MAC": 1}  # the highest is left out first
_NAME = 32  # characters of a model's name that are kept before other columns are left out
_STYLES = {"pass": "green", "fail": "bold red", "error": "bold magenta"}


def render(comparisons: Sequence[Comparison], view: View) -> str:
    """The table, what orders the models, what could not be audited, what the figures mean."""
    return printed((part for comparison in comparisons for part in _parts(clean(comparison), view)), view)


def _parts(comparison: Comparison, view: View) -> Iterator[RenderableType]:
    alike = same_inputs(comparison)
    first = next((model for model in comparison.models if not model.error), None)
    yield heading("Models", inputs(first) if first and alike else "", first=True)
    yield _table(comparison, view, alike)
    for device in comparison.devices:
        yield heading(f"On {device.name}", expected(device))
        for order in (order for order in comparison.orders if order.device == device.name):
            yield Text(f"  {agreement(order)}")
            if order.figure == "flops":
                told = [disagreement(pair, order.figure) for pair in order.pairs[:_PAIRS]]
                if len(order.pairs) > _PAIRS:
                    told.append(f"… and {len(order.pairs) - _PAIRS} more pairs in -o json")
                yield from (Padding(Text(text), (0, 0, 0, 4)) for text in told)
    for model in comparison.models:
        if model.error:
            yield Text(f"\n{model.name}: {model.error}", style=_STYLES["error"])
    yield Text()
    yield Text("\n".join(legend(comparison)), style="dim")


def _table(comparison: Comparison, view: View, alike: bool) -> Text:
    wide = view.width >= _WIDE
    rules = codes(comparison) if wide else []
    columns = [
        Column("", right=False),
        Column("model", right=False, least=_NAME, most=max(len(model.name) for model in comparison.models)),
        *[Column("input", 5, right=False)] * (not alike),
        *(Column(title, _RANKS.get(title, 0)) for title in COSTS),
        *(Column(_in_lines(device.name)) for device in comparison.devices),
        *(Column(f"{code} ", 2) for code in rules),
        *[Column("breaks", 2, right=False)] * (not wide),
    ]
    rows: list[list[Cell]] = []
    for model in comparison.models:
        judged = by_code(model)
        rows.append(
            [
                Text(model.verdict, style=_STYLES[model.verdict]),
                partial(ending, model.name),
                *[inputs(model)] * (not alike),
                *costs(model),
                *times(model, comparison),
                *(_value(judged, code) for code in rules),
                *[_broken(model)] * (not wide),
            ]
        )
    return fitted(columns, rows, view.width)


def _in_lines(name: str) -> str:
    """The name of a device in lines that end with its hyphens, where it is long."""
    return "\n".join(wrap(name.replace("-", "- "), _DEVICE, break_long_words=False)).replace("- ", "-")


def _value(judged: dict[str, RuleResult], code: str) -> Text:
    told = value(judged.get(code))
    return Text(told if told.endswith("!") else f"{told} ", style="bold red" if told.endswith("!") else "")


def _broken(model: Model) -> str:
    return " ".join(rule.code for rule in model.rules if rule.verdict == "fail")

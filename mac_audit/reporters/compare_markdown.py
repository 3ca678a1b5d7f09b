"""A comparison as markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mac_audit.comparison import Comparison, Model
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
from mac_audit.reporters.escape import clean, code_cell, markdown
from mac_audit.reporters.markdown import table

_PAIRS = 20
_MARKS = {"pass": "✅ pass", "fail": "❌ fail", "error": "💥 error"}


def render(comparisons: Sequence[Comparison], view: View) -> str:
    """A table, and below it what orders the models, with a final newline."""
    del view
    return "\n".join("\n".join(_section(clean(comparison))) + "\n" for comparison in comparisons)


def _section(comparison: Comparison) -> Iterator[str]:
    rules = codes(comparison)
    told = [] if same_inputs(comparison) else ["input"]
    titles = ["", "model", *told, *COSTS, *(f"time on {device.name}" for device in comparison.devices), *rules]
    rows = [_row(model, comparison, rules) for model in comparison.models]
    yield from table([*map(markdown, titles)], rows, numbers=len(titles) - 2 - len(told))
    for device in comparison.devices:
        yield ""
        yield f"**{markdown(device.name)}**, {expected(device)}:"
        yield ""
        for order in (order for order in comparison.orders if order.device == device.name):
            yield f"- {markdown(agreement(order))}"
            if order.figure == "flops":
                yield from (f"  - {markdown(disagreement(pair, order.figure))}" for pair in order.pairs[:_PAIRS])
                if len(order.pairs) > _PAIRS:
                    yield f"  - … and {len(order.pairs) - _PAIRS} more pairs in `-o json`"
    errors = [model for model in comparison.models if model.error]
    yield from (f"\n💥 {code_cell(model.name)}: {markdown(model.error)}" for model in errors)
    yield ""
    yield f"<sub>{' '.join(map(markdown, legend(comparison)))}</sub>"


def _row(model: Model, comparison: Comparison, rules: Sequence[str]) -> list[str]:
    judged = by_code(model)
    told = [] if same_inputs(comparison) else [markdown(inputs(model)) or "–"]
    values = [value(judged.get(code)) for code in rules]
    return [_MARKS[model.verdict], code_cell(model.name), *told, *costs(model), *times(model, comparison), *values]

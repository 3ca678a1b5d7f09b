"""Where each setting comes from: the text of ``--show-settings``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from mac_audit.config import Config, Model
from mac_audit.job import Job
from mac_audit.plain import to_plain
from mac_audit.request import Request
from mac_audit.rule import Rule
from mac_audit.settings import LINE

Said = tuple[Any, str]  # a value, and who says it
Row = tuple[str, Any, str]

_WIDEST = 60  # column of the origins


def shown(file: Config, line: Config, jobs: Sequence[Job], rules: Sequence[Rule]) -> str:
    """What is in force, a setting a line in TOML's spelling, each with where it comes from."""
    rows = [*_common(file, line), *_rules(file, rules)]
    for job in jobs:
        rows += _model(file, line, job)
    texts = [(f"{key} = {json.dumps(to_plain(value), ensure_ascii=False)}", origin) for key, value, origin in rows]
    width = min(_WIDEST, max(len(text) for text, _ in texts))
    return "".join(f"{text:{width}}  # {origin}\n" for text, origin in texts)


def _row(key: str, default: Any, *said: Said) -> Row:
    """The first of ``said`` that says something."""
    value, origin = next((entry for entry in said if entry[0] not in (None, (), {})), (default, "default"))
    return key, value, origin


def _common(file: Config, line: Config) -> Iterator[Row]:
    own = file.file
    yield _row("select", ("ALL",), (line.select, LINE), (file.select, own))
    for name, here, there in (
        ("extend-select", file.extend_select, line.extend_select),
        ("ignore", file.ignore, line.ignore),
    ):
        yield _row(name, (), ((*here, *there), " and ".join([own] * bool(here) + [LINE] * bool(there))))
    yield _row("fail-on", "error", (line.fail_on, LINE), (file.fail_on, own))
    yield _row("strict", False, (line.strict, LINE), (file.strict, own))
    yield _row("baseline", "", (line.baseline, LINE), (file.baseline, own))


def _rules(file: Config, rules: Sequence[Rule]) -> Iterator[Row]:
    for rule in rules:
        given = {**file.rules.get(rule.name, {}), **file.rules.get(rule.code, {})}
        yield _row(f"rules.{rule.code}.severity", "error", (given.get("severity"), file.file))
        for name, option in rule.options.items():
            if name in given or option.default is not option.empty:
                yield _row(f"rules.{rule.code}.{name}", option.default, (given.get(name), file.file))


def _model(file: Config, line: Config, job: Job) -> Iterator[Row]:
    own = file.file
    model = next((model for model in file.model if model.name == job.name), Model(job.name, {"target": job.name}))
    default = Request("")
    for field in fields(Request):
        said = [(said.get(field.name), place) for said, place in ((line.request, LINE), (model.request, own))]
        key = f"model.{job.name}.{field.name.replace('_', '-')}"
        yield _row(key, getattr(default, field.name), *said, (file.request.get(field.name), own))
    for name in {**file.budgets, **model.budgets, **line.budgets}:
        places = ((line.budgets, LINE), (model.budgets, own), (file.budgets, own))
        yield _row(f"model.{job.name}.budgets.{name}", None, *((said.get(name), place) for said, place in places))
    yield _row(f"model.{job.name}.ignore", (), (model.ignore, own))
    yield f"model.{job.name}: rules that run", [choice.code for choice in job.choices], "all of the above"

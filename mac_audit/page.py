"""A rule's documentation: its docstring, its options with their defaults, as markdown, text or data."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

from mac_audit.rule import Rule


def options(rule: Rule) -> dict[str, Any]:
    """The rule's options with their defaults; None for one that has to be given."""
    return {name: None if p.default is p.empty else p.default for name, p in rule.options.items()}


def body(rule: Rule) -> str:
    """The page without its title: a summary, then sections."""
    text = inspect.getdoc(rule.check) or "Its author has not documented this rule."
    for name, default in options(rule).items():
        told = "has to be given" if default is None else f"default {default!r}"
        text = text.replace(f"* `{name}`:", f"* `{name}` ({told}):")
    return text.rstrip()


def markdown(rule: Rule) -> str:
    """The page, with a final newline."""
    return f"# {rule.code} {rule.name}\n\n{body(rule)}\n"


def text(rule: Rule) -> str:
    """The page for a terminal: headings without marks."""
    return re.sub(r"^#+ ", "", markdown(rule).replace("`", ""), flags=re.MULTILINE)


def data(rule: Rule) -> dict[str, Any]:
    """The page in parts: ``summary``, ``sections`` by heading, ``options`` with their defaults."""
    summary, *sections = re.split(r"^## ", body(rule), flags=re.MULTILINE)
    return {
        "code": rule.code,
        "name": rule.name,
        "summary": summary.strip(),
        "options": options(rule),
        "sections": {title.strip(): content.strip() for title, _, content in (s.partition("\n") for s in sections)},
    }


def as_json(rules: list[Rule]) -> str:
    """Several pages as one JSON list, with a final newline."""
    return json.dumps([data(rule) for rule in rules], indent=1, ensure_ascii=False) + "\n"

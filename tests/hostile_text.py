"""Text that is out for harm, in place of everything that a model or a rule says."""

from __future__ import annotations

from typing import Any

from mac_audit.plain import from_plain, to_plain
from mac_audit.report import Report

# What somebody could call a layer, a file or a class, or make a rule say.
HOSTILE = {
    "ansi": "\x1b[31mred\x1b[0m\x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
    "control": "a\x00b\x08c\x7fd\x85e",
    "newlines": "one\n\n# two\r\n- three\r::four",
    "github": "::error file=x,line=1::owned\n::set-output name=a::b%0A::warning::x",
    "markdown": "](https://evil.example) **bold** `code` | cell | # not a title\n| --- | @everyone #1",
    "fence": "```\n</details>\n<!-- x",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)></td></table>&lt;",
    "xml": "]]></failure><testcase name='x'/>&amp;\ufffe",
    "bidi": "abc\u202egnp.exe\u2066x\u2069\u200f",
    "surrogate": "half\ud800",
    "rich": "[bold red]x[/] :smile: {0} {placeholder}",
    "formula": '=HYPERLINK("https://evil.example")',
    "dot": '\\N\\",label="owned\\',
    "long": "x" * 10_000,
}


def hostile(report: Report, text: str) -> Report:
    """The report with ``text`` in place of everything that comes from the model or from a rule."""
    kept = {"code", "execution", "flop_convention", "severity", "fingerprint", "verdict", "kind", "coverage"}
    kept |= {"classes", "version", "conventions", "by", "dtype", "fail_on", "unit", "bound", "origin"}

    def spoil(value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return {name: spoil(item, name) if name not in kept else item for name, item in value.items()}
        if isinstance(value, list):
            return [spoil(item, key) for item in value]
        return text if isinstance(value, str) and value and key not in kept else value

    plain = to_plain(report)
    spoiled = spoil(plain, "")
    spoiled["coverage"] = spoil(plain["coverage"], "")
    return from_plain(Report, spoiled, "hostile")

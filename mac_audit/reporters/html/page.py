"""The skeleton of a page: one file that asks nothing of the network, with its data, styles and scripts in it.

What comes from a model travels as JSON in a script element that no parser takes for anything else, and the scripts
make text of it, never markup. The content security policy lets only the scripts run that are named here, by their
digests, and lets nothing be fetched.

``base.js`` is what the scripts of every page share: it names the helpers.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from importlib.resources import files
from string import Template
from typing import Any

from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]

# A parser of HTML ends a script at "</", and older ones of JavaScript a line at U+2028.
_HARMLESS = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def page(title: str, data: Any, scripts: Sequence[str]) -> str:
    """A whole page: ``data`` is JSON of which no text is trusted, ``scripts`` are files beside this one, run in order.

    The scripts find the data as ``page.data``. The same arguments give the same bytes.
    """
    # The large library comes last: what needs no plot is there before it is read.
    sources = [*(_read(name) for name in ("base.js", *scripts)), get_plotlyjs()]
    policy = f"default-src 'none'; script-src {' '.join(map(_digest, sources))}; style-src 'unsafe-inline'; "
    return Template(_read("page.html")).substitute(
        title=html.escape(title),
        policy=html.escape(policy + "img-src data: blob:; base-uri 'none'; form-action 'none'", quote=True),
        style=_read("page.css"),
        data=embedded(data),
        scripts="\n".join(f"<script>{source}</script>" for source in sources),
    )


def embedded(data: Any) -> str:
    """JSON that stands safely in a script element."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_HARMLESS)


def _digest(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")

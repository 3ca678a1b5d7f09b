"""Names for findings that hold from one run to the next.

A finding is named by its rule, the path of its layer with every index left open (``stages.*.conv``), and what the
place looks like now (``counterfactual["now"]``, or else the message); places that are alike in all of that are
numbered. So the name survives moved lines, renamed files, layers that are inserted, removed or reordered in a
sequence, and whatever changes elsewhere. It does not survive another attribute name or another geometry.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from mac_audit.report import Finding


def open_path(path: str) -> str:
    """``stages.3.conv`` → ``stages.*.conv``."""
    return ".".join("*" if part.isdigit() else part for part in path.split("."))


def fingerprinted(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The same findings with their fingerprints."""
    alike: Counter[str] = Counter()
    named = []
    for finding in findings:
        geometry = finding.counterfactual.get("now", finding.message)
        key = json.dumps([finding.code, open_path(finding.layer), geometry], sort_keys=True)
        digest = hashlib.sha256(key.encode()).hexdigest()[:16]
        named.append(replace(finding, fingerprint=f"{digest}/{alike[digest]}"))
        alike[digest] += 1
    return tuple(named)

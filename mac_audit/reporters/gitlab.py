"""GitLab's code quality report: a JSON list of what is new in a merge request and what was mended.

GitLab knows a problem by its fingerprint, which has to be the only one of its kind in a file, and needs a path: a
finding whose line is not known stands on the first line of the target.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from mac_audit.report import Line, Report, Severity
from mac_audit.reporters import View
from mac_audit.reporters.escape import clean
from mac_audit.reporters.problems import line_of, places, problems, start_of, told, troubles

_SEVERITIES: dict[Severity, str] = {"error": "major", "warning": "minor", "note": "info"}
_TROUBLES = {"not-audited": "blocker", "crashed-rule": "critical", "unknown-operator": "info"}


def render(reports: Sequence[Report], view: View) -> str:
    """One list with a final newline; the same reports give the same bytes."""
    del view
    seen: Counter[str] = Counter()
    entries = [entry for report in reports for entry in _entries(clean(report), seen)]
    return json.dumps(entries, indent=1, ensure_ascii=False) + "\n"


def _entries(report: Report, seen: Counter[str]) -> Iterator[dict[str, Any]]:
    for finding in problems(report):
        description = f"{places([finding])}: {'; '.join(told([finding]))}"
        known_by = finding.fingerprint or f"{finding.code} {finding.layer}"
        line = line_of(finding, report)
        yield _entry(report, seen, finding.code, _SEVERITIES[finding.severity], description, known_by, line)
    for trouble in troubles(report):
        line = trouble.lines[0] if trouble.lines else start_of(report)
        known_by = f"{trouble.kind} {trouble.rule or trouble.message}"
        yield _entry(report, seen, trouble.kind, _TROUBLES[trouble.kind], trouble.message, known_by, line)


def _entry(
    report: Report, seen: Counter[str], check: str, severity: str, description: str, known_by: str, line: Line | None
) -> dict[str, Any]:
    known_by = f"{report.name or report.target}\n{known_by}"
    seen[known_by] += 1
    return {
        "description": description,
        "check_name": check,
        "fingerprint": hashlib.sha256(f"{known_by}\n{seen[known_by]}".encode()).hexdigest(),
        "severity": severity,
        "location": {
            "path": line.file.removeprefix("./") if line else report.target,
            "lines": {"begin": line.line if line else 1},
        },
    }

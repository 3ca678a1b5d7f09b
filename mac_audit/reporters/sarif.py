"""SARIF 2.1.0 (OASIS), for GitHub code scanning, Azure DevOps and editors: a run for each model.

Suppressed findings are results with ``suppressions``. A fingerprint holds no line number, so that an alert stays the
same one where lines move. What could not be judged or counted is a notification of the invocation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from mac_audit.plain import to_plain
from mac_audit.report import Finding, Line, Report, RuleResult
from mac_audit.reporters import View
from mac_audit.reporters.escape import clean, paragraphs, sarif
from mac_audit.reporters.problems import Trouble, line_of, problems, suppressed, told, troubles

Json = dict[str, Any]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_URL = re.compile(r"https?://[A-Za-z0-9._~/?#&=+%:@-]+")


def render(reports: Sequence[Report], view: View) -> str:
    """One log with a final newline; the same reports give the same bytes."""
    del view
    runs = [_run(clean(report), [rule.help for rule in report.rules]) for report in reports]
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": runs}, indent=1, ensure_ascii=False) + "\n"


def _run(report: Report, helps: Sequence[str]) -> Json:
    rules = {rule.code: index for index, rule in enumerate(report.rules)}
    driver = {
        "name": "mac-audit",
        "semanticVersion": report.version,
        "rules": [_rule(rule, text) for rule, text in zip(report.rules, helps, strict=True)],
    }
    findings = problems(report) + suppressed(report)
    return {
        "tool": {"driver": driver},
        # GitHub takes several runs in one file only where they differ in this category; it ends with a slash.
        "automationDetails": {"id": f"mac-audit/{report.name or report.target}/"},
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The directory in which mac-audit ran."}}},
        "invocations": [
            {
                "executionSuccessful": not (report.error or report.errors),
                "toolExecutionNotifications": [_notification(trouble, rules) for trouble in troubles(report)]
                + [{"level": "note", "message": {"text": sarif(note)}} for note in report.notes],
            }
        ],
        "results": [_result(finding, rules[finding.code], report) for finding in findings],
        "properties": {
            "name": report.name,
            "target": report.target,
            "verdict": report.verdict,
            "totals": to_plain(report.totals),
            "conventions": report.conventions,
        },
    }


def _rule(rule: RuleResult, text: str) -> Json:
    text = paragraphs(text)
    described: Json = {"id": rule.code, "name": rule.name, "defaultConfiguration": {"level": rule.severity}}
    if text:
        described["shortDescription"] = {"text": " ".join(text.partition("\n\n")[0].split())}
        described["help"] = {"text": text, "markdown": text}
    if url := _URL.search(text):
        described["helpUri"] = url[0].rstrip(".,;")
    return described


def _result(finding: Finding, index: int, report: Report) -> Json:
    found: Json = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": finding.severity,
        "message": {"text": sarif("; ".join(told([finding])))},
        "locations": [_location(line_of(finding, report), finding.layer)],
        "properties": {
            "value": finding.value,
            "limit": finding.limit,
            "saving": to_plain(finding.saving),
            "instead": finding.instead,
            "counterfactual": finding.counterfactual,
        },
    }
    if finding.fingerprint:
        found["partialFingerprints"] = {"macAudit/v1": finding.fingerprint}
    if finding.suppressed is not None:
        kind = "inSource" if finding.suppressed.by == "comment" else "external"
        justification = finding.suppressed.reason or f"by the {finding.suppressed.by}, which gives no reason"
        found["suppressions"] = [{"kind": kind, "status": "accepted", "justification": justification}]
    return found


def _location(line: Line | None, layer: str | None = None) -> Json:
    """Where in the code, and which module of the model (``layer``; the model itself is the empty path)."""
    location: Json = {}
    if line is not None:
        location["physicalLocation"] = {"artifactLocation": _artifact(line.file), "region": {"startLine": line.line}}
    if layer is not None:
        name = layer.rpartition(".")[2]
        location["logicalLocations"] = [
            {"name": name or "model", "fullyQualifiedName": layer or "model", "kind": "module"}
        ]
    return location


def _artifact(file: str) -> Json:
    """A file outside the working directory is known by an absolute path, and has an absolute URI."""
    path = file.replace("\\", "/")
    if re.match(r"/|[A-Za-z]:/", path):
        return {"uri": "file:///" + quote(path.lstrip("/"), safe="/:")}
    return {"uri": quote(path), "uriBaseId": "%SRCROOT%"}


def _notification(trouble: Trouble, rules: dict[str, int]) -> Json:
    told_of: Json = {
        "descriptor": {"id": trouble.kind},
        "level": trouble.severity,
        "message": {"text": sarif(trouble.message)},
    }
    if trouble.rule:
        told_of["associatedRule"] = {"id": trouble.rule, "index": rules[trouble.rule]}
    if trouble.lines:
        told_of["locations"] = [_location(line) for line in trouble.lines]
    return told_of

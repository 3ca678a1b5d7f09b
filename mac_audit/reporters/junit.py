"""JUnit XML, for the test tabs of CI servers: a testsuite for each model, a testcase for each rule.

A rule that fails is a failure with its findings, whatever its severity, which is the failure's type; one that crashed
is an error; one that does not apply is skipped. Suppressed findings are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from mac_audit.report import Finding, Report, RuleResult
from mac_audit.reporters import View
from mac_audit.reporters.escape import clean
from mac_audit.reporters.problems import by_line, measured, places, problems, told, troubles


def render(reports: Sequence[Report], view: View) -> str:
    """One document with a final newline; it holds no times and no host, the same reports give the same bytes."""
    del view
    root = ElementTree.Element("testsuites", name="mac-audit")
    root.extend([_suite(clean(report)) for report in reports])
    for kind in ("tests", "failures", "errors", "skipped"):
        root.set(kind, str(sum(int(suite.get(kind, "0")) for suite in root)))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(report: Report) -> ElementTree.Element:
    name = report.name or report.target
    if report.error:
        return _not_audited(name, report.error)
    verdicts = [rule.verdict for rule in report.rules]
    suite = ElementTree.Element(
        "testsuite",
        name=name,
        tests=str(len(verdicts)),
        failures=str(verdicts.count("fail")),
        errors=str(verdicts.count("error")),
        skipped=str(verdicts.count("not-applicable")),
    )
    found = problems(report)
    suite.extend([_case(rule, [f for f in found if f.code == rule.code], name) for rule in report.rules])
    if messages := [*(trouble.message for trouble in troubles(report) if not trouble.rule), *report.notes]:
        ElementTree.SubElement(suite, "system-out").text = "\n".join(messages)
    return suite


def _not_audited(name: str, error: str) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=name, tests="1", failures="0", errors="1", skipped="0")
    case = ElementTree.SubElement(suite, "testcase", classname=name, name="audit")
    ElementTree.SubElement(case, "error", message=error, type="not-audited")
    return suite


def _case(rule: RuleResult, findings: Sequence[Finding], model: str) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=model, name=f"{rule.code} {rule.name}")
    if rule.verdict == "fail":
        value, limit = measured(rule)
        message = f"{rule.measure or rule.name}: {value}, limit {limit}"
        failure = ElementTree.SubElement(case, "failure", message=message, type=rule.severity)
        failure.text = "\n".join(_text(group) for group in by_line(findings))
    elif rule.verdict == "error":
        ElementTree.SubElement(case, "error", message=rule.reason, type="crash")
    elif rule.verdict == "not-applicable":
        ElementTree.SubElement(case, "skipped", message=rule.reason)
    return case


def _text(findings: Sequence[Finding]) -> str:
    line = findings[0].source
    heading = places(findings) + (f"  {line.file}:{line.line}" if line else "")
    return "\n  ".join([heading, *told(findings)])

"""Every format, read by somebody else's reader: schemas, parsers from PyPI, what GitHub and GitLab document."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import jsonschema
import junitparser
import pytest
from markdown_it import MarkdownIt
from sarif.loader import load_sarif_file

from mac_audit.report import Coverage, Finding, Line, Report, RuleResult, Suppression
from mac_audit.reporters import View, reporter
from tests.hostile_text import HOSTILE, hostile

TESTS = Path(__file__).parent
# All but the page, which is full of somebody else's script; a browser reads it in tests of its own.
FORMATS = sorted(entry.name for entry in entry_points(group="mac_audit.reporters") if entry.name != "html")
# https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands: a command with its properties,
# whose values hold no comma and no colon as they stand, and a message without line breaks.
ANNOTATION = re.compile(
    r"::(?P<command>error|warning|notice)"
    r"(?: (?:file=(?P<file>[^,:\r\n]+),line=(?P<line>\d+),)?title=(?P<title>[^,:\r\n]+))"
    r"::(?P<message>(?:%25|%0A|%0D|[^%\r\n])+)"
)


@pytest.fixture(scope="module")
def golden() -> Report:
    """One active finding, one suppressed, a rule that crashed, an operator that nobody knows, a note."""
    report = Report.from_json((TESTS / "golden" / "report.json").read_text(encoding="utf-8"))
    return replace(report, notes=("a note",))


def render(name: str, *reports: Report) -> str:
    return reporter(name)(reports, View(width=100))


def sarif(*reports: Report) -> dict[str, Any]:
    log = json.loads(render("sarif", *reports))
    schema = json.loads((TESTS / "data" / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(log)
    assert isinstance(log, dict)
    return log


def gitlab(*reports: Report) -> list[dict[str, Any]]:
    entries = json.loads(render("gitlab", *reports))
    schema = json.loads((TESTS / "data" / "gitlab-code-quality.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(entries)
    assert isinstance(entries, list)
    return entries


def junit(*reports: Report) -> junitparser.JUnitXml:
    return junitparser.JUnitXml.fromstring(render("junit", *reports).encode())


def annotations(*reports: Report) -> list[re.Match[str]]:
    found = [ANNOTATION.fullmatch(line) for line in render("github", *reports).split("\n")[:-1]]
    assert all(found)
    return [match for match in found if match is not None]


# --- what each format says -------------------------------------------------------------------------------------------


def test_sarif_result(golden: Report) -> None:
    (run,) = sarif(golden)["runs"]
    active, suppressed = run["results"]
    finding = next(f for f in golden.findings if f.suppressed is None)
    assert active["ruleId"] == run["tool"]["driver"]["rules"][active["ruleIndex"]]["id"] == "G1"
    assert active["level"] == "error"
    assert active["partialFingerprints"] == {"macAudit/v1": finding.fingerprint}
    (location,) = active["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "model.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 11},
    }
    assert location["logicalLocations"] == [{"name": "widen", "fullyQualifiedName": "widen", "kind": "module"}]
    assert active["properties"]["saving"]["mac_bytes"] == finding.saving.mac_bytes
    assert active["properties"]["counterfactual"] == finding.counterfactual
    assert suppressed["suppressions"] == [
        {"kind": "inSource", "status": "accepted", "justification": "the next release widens it"}
    ]


def test_sarif_rules_carry_their_help(golden: Report) -> None:
    (run,) = sarif(golden)["runs"]
    rule = run["tool"]["driver"]["rules"][0]
    assert rule["shortDescription"]["text"] == "Equal channel width minimises memory access cost."
    assert rule["help"]["markdown"] == golden.rules[0].help
    assert rule["helpUri"] == "https://arxiv.org/abs/1807.11164"


def test_sarif_invocation_tells_what_was_not_done(golden: Report) -> None:
    (invocation,) = sarif(golden)["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    crashed, unknown, note = invocation["toolExecutionNotifications"]
    assert crashed["associatedRule"] == {"id": "X1", "index": 4}
    assert "ZeroDivisionError" in crashed["message"]["text"]
    assert unknown["locations"][0]["physicalLocation"]["region"]["startLine"] == 15
    assert note["message"]["text"] == "a note"


@pytest.mark.parametrize(("by", "kind"), [("comment", "inSource"), ("config", "external"), ("baseline", "external")])
def test_sarif_says_who_suppressed(golden: Report, by: Any, kind: str) -> None:
    (finding, *_) = golden.findings
    report = replace(golden, findings=(replace(finding, suppressed=Suppression(by)),))
    suppressions = [
        result["suppressions"] for result in sarif(report)["runs"][0]["results"] if "suppressions" in result
    ]
    assert [entry["kind"] for (entry,) in suppressions] == [kind]


def test_sarif_fingerprints_do_not_move_with_lines(golden: Report) -> None:
    def moved(finding: Finding) -> Finding:
        assert finding.source is not None
        return replace(finding, source=Line(finding.source.file, finding.source.line + 40))

    after = replace(golden, findings=tuple(map(moved, golden.findings)))
    first, second = (
        [result["partialFingerprints"] for result in sarif(report)["runs"][0]["results"]] for report in (golden, after)
    )
    assert first == second


@pytest.mark.parametrize(
    ("file", "artifact"),
    [
        ("a b/ü.py", {"uri": "a%20b/%C3%BC.py", "uriBaseId": "%SRCROOT%"}),
        ("/site-packages/x.py", {"uri": "file:///site-packages/x.py"}),
        ("C:\\models\\x.py", {"uri": "file:///C:/models/x.py"}),
    ],
)
def test_sarif_uris(golden: Report, file: str, artifact: dict[str, str]) -> None:
    report = replace(golden, findings=(replace(golden.findings[0], source=Line(file, 1)),))
    locations = sarif(report)["runs"][0]["results"][0]["locations"]
    assert locations[0]["physicalLocation"]["artifactLocation"] == artifact


def test_sarif_tools_reads_it(golden: Report, tmp_path: Path) -> None:
    file = tmp_path / "report.sarif"
    file.write_text(render("sarif", golden, replace(golden, name="other")), encoding="utf-8")
    log = load_sarif_file(str(file))
    assert log.get_distinct_tool_names() == ["mac-audit"]
    records = [record for run in log.runs for record in run.get_records()]
    assert {(record["Location"], record["Line"], record["Severity"], record["Code"]) for record in records} == {
        ("model.py", 11, "error", "G1"),
        ("model.py", 9, "error", "G1"),
    }


def test_gitlab_entries(golden: Report) -> None:
    finding, crashed, unknown = gitlab(golden)
    assert finding["check_name"] == "G1"
    assert finding["severity"] == "major"
    assert finding["location"] == {"path": "model.py", "lines": {"begin": 11}}
    assert "widen: channel widths 16 to 1" in finding["description"]
    assert crashed["severity"] == "critical"
    assert unknown["location"]["lines"]["begin"] == 15


def test_gitlab_fingerprints_are_unique_and_stay(golden: Report) -> None:
    finding = next(f for f in golden.findings if f.suppressed is None)
    moved = replace(finding, source=Line("model.py", 99))
    report = replace(golden, findings=(finding, replace(finding, layer="again")))
    entries = gitlab(report, replace(report, name="other"))
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    assert gitlab(replace(golden, findings=(moved,)))[0]["fingerprint"] == gitlab(golden)[0]["fingerprint"]


def test_junit_counts_and_texts(golden: Report) -> None:
    (suite,) = junit(golden)
    assert (suite.name, suite.tests, suite.failures, suite.errors, suite.skipped) == ("model.py", 5, 1, 1, 1)
    cases = {case.name.split()[0]: case for case in suite}
    (failure,) = cases["G1"].result
    assert failure.type == "error"
    assert "limit 0.05" in failure.message
    assert "widen  model.py:11" in failure.text
    assert "narrow" not in failure.text  # suppressed
    assert [type(case.result[0]).__name__ for case in (cases["G4"], cases["X1"])] == ["Skipped", "Error"]
    assert cases["G2"].is_passed


def test_github_annotations(golden: Report) -> None:
    finding, crashed, unknown = annotations(golden)
    assert (finding["command"], finding["file"], finding["line"]) == ("error", "model.py", "11")
    assert finding["title"] == "G1 unequal-channels%3A widen"
    assert finding["message"].startswith("channel widths 16 to 1: c1=4, c2=64%0Ainstead")
    assert (crashed["command"], crashed["file"]) == ("error", "model.py")
    assert (unknown["command"], unknown["line"]) == ("warning", "15")


@pytest.mark.parametrize(("severity", "command"), [("error", "error"), ("warning", "warning"), ("note", "notice")])
def test_severities(golden: Report, severity: Any, command: str) -> None:
    report = replace(golden, findings=tuple(replace(f, severity=severity) for f in golden.findings))
    assert annotations(report)[0]["command"] == command
    assert sarif(report)["runs"][0]["results"][0]["level"] == severity
    rules = tuple(replace(rule, severity=severity) for rule in golden.rules)
    mark = "❌ fail" if severity == "error" else f"⚠️ {severity}"
    assert f"| {mark} | G1" in render("markdown", replace(report, rules=rules))
    assert gitlab(report)[0]["severity"] == {"error": "major", "warning": "minor", "note": "info"}[severity]


def test_markdown_counts_what_is_suppressed(golden: Report) -> None:
    text = render("markdown", golden)
    assert "- 1 suppressed finding\n" in text
    assert "- **G1** `widen` at `model.py:11`" in text
    assert "`narrow` at" not in text
    html = MarkdownIt("commonmark").enable("table").render(text)
    assert html.count("<table>") == 2
    assert html.count("<tr>") == 2 + len(golden.rules) + 4  # titles, and the four layers


def test_markdown_is_short_enough_for_a_comment(golden: Report) -> None:
    """GitHub refuses comments of more than 65,536 characters; nothing is left out unsaid."""
    (finding,) = [f for f in golden.findings if f.suppressed is None]
    many = tuple(replace(finding, layer=f"blocks.{i}.conv", source=Line("model.py", i + 1)) for i in range(3_000))
    layers = (golden.layers[0], *(replace(golden.layers[1], path=f"blocks.{i}.conv") for i in range(3_000)))
    text = render("markdown", replace(golden, findings=many, layers=layers))
    assert len(text) < 65_536
    assert text.count("- **G1** `blocks.") == 20
    assert "- **G1** … and 2980 more lines of code" in text
    assert "3000 layers, the first 200 shown" in text


def test_table_counts_what_is_suppressed(golden: Report) -> None:
    assert "suppressed: 1 by comment" in render("table", golden)


# --- what all of them have in common ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_a_model_that_was_not_audited_is_told(golden: Report, name: str) -> None:
    lost = replace(
        golden,
        target="lost.py",
        name="lost",
        error="There is no file lost.py.",
        verdict="error",
        coverage=Coverage(0, 0),
        layers=(),
        rules=(),
        findings=(),
        notes=(),
    )
    text = render(name, golden, lost)
    assert "There is no file lost.py." in text
    if name == "junit":
        _, suite = junit(golden, lost)
        assert (suite.name, suite.tests, suite.errors) == ("lost", 1, 1)
    elif name == "sarif":
        (invocation,) = sarif(golden, lost)["runs"][1]["invocations"]
        assert not invocation["executionSuccessful"]
        assert [note["level"] for note in invocation["toolExecutionNotifications"]] == ["error"]
    elif name == "gitlab":
        assert gitlab(golden, lost)[-1]["severity"] == "blocker"
    elif name == "github":
        assert annotations(golden, lost)[-1]["command"] == "error"


@pytest.mark.parametrize(("unit", "shown"), [("ratio", "12.500"), ("bytes", "12.5 MB"), ("seconds", "12.5 ms")])
def test_values_are_in_their_unit(golden: Report, unit: Any, shown: str) -> None:
    value = {"ratio": 12.5, "bytes": 12.5e6, "seconds": 0.0125}[unit]
    rules = (RuleResult("B1", "budget", "fail", value, value / 2, "cost", unit=unit),)
    report = replace(golden, rules=rules, findings=())
    assert all(shown in render(name, report) for name in ("table", "markdown", "junit"))


def test_a_finding_without_a_line_stands_at_the_target(golden: Report) -> None:
    finding = replace(next(f for f in golden.findings if f.suppressed is None), source=None)
    for target, path in (("net.py:build", "net.py"), ("zoo:resnet18", None), ("package.module:net", None)):
        report = replace(golden, target=target, findings=(finding,))
        assert annotations(report)[0]["file"] == path
        assert gitlab(report)[0]["location"] == {"path": path or target, "lines": {"begin": 1}}
        (location,) = sarif(report)["runs"][0]["results"][0]["locations"]
        assert ("physicalLocation" in location) is (path is not None)


@pytest.mark.parametrize("name", FORMATS)
def test_several_reports_in_one_document(golden: Report, name: str) -> None:
    other = replace(golden, target="other.py", name="other.py")
    text = render(name, golden, other)
    assert "model.py" in text
    assert "other.py" in text
    if name == "sarif":  # GitHub takes several runs of one tool only under different categories
        assert [run["automationDetails"]["id"] for run in sarif(golden, other)["runs"]] == [
            "mac-audit/model.py/",
            "mac-audit/other.py/",
        ]
    elif name == "junit":
        assert [suite.name for suite in junit(golden, other)] == ["model.py", "other.py"]
    elif name == "json":
        assert [Report.from_json(json.dumps(document)) for document in json.loads(text)] == [golden, other]


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("name", sorted({*FORMATS} - {"html"}))  # of which test_page.py asks a browser
def test_hostile_text_stays_text(golden: Report, name: str, kind: str) -> None:
    report = hostile(golden, HOSTILE[kind])
    text = render(name, report)
    text.encode()
    assert all(char.isprintable() or char in "\r\n" for char in text)
    if name != "json":  # data, escaped as JSON escapes
        assert "x" * 1000 not in text
    if name == "github":
        assert len(annotations(report)) == len(annotations(golden))
    elif name == "gitlab":
        assert len(gitlab(report)) == len(gitlab(golden))
    elif name == "sarif":
        (run,) = sarif(report)["runs"]
        assert len(run["results"]) == len(golden.findings)
    elif name == "junit":
        shapes = [[[type(r) for r in case.result] for suite in junit(r) for case in suite] for r in (report, golden)]
        assert shapes[0] == shapes[1]
    elif name == "markdown":
        reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
        tags = [re.findall(r"</?\w+", re.sub("<!-- -->", "", reader.render(t))) for t in (text, render(name, golden))]
        assert tags[0] == tags[1]


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    """Every format, under two orders of hashing."""
    runs = []
    for value in ("0", "1"):
        folder = tmp_path / value
        folder.mkdir()
        outputs = [part for name in FORMATS for part in ("-o", f"{name}={folder / name}")]
        command = [sys.executable, "-m", "mac_audit", "zoo:googlenet", "--input", "1,3,64,64"]
        command += ["--device", "gtx-1080-ti", *outputs]
        environment = {**os.environ, "PYTHONHASHSEED": value}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 1, done.stderr
        runs.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert runs[0].keys() == set(FORMATS)
    assert runs[0] == runs[1]

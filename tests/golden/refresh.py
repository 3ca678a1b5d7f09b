"""Show report.json in every format, in files that a person can open: ``python tests/golden/refresh.py``.

The report is an audit of a small network, with one finding suppressed, one rule that crashed, and one operator that
nobody knows. The tests check that the files are what the reporters write now.
"""

from __future__ import annotations

from pathlib import Path

from mac_audit.report import Report
from mac_audit.reporters import View, reporter

HERE = Path(__file__).parent
FILES = {
    "chrome-trace": "report.trace.json",
    "csv": "report.csv",
    "dot": "report.dot",
    "github": "report.github.txt",
    "gitlab": "report.gitlab.json",
    "graphml": "report.graphml",
    "json": "report.json",
    "junit": "report.junit.xml",
    "markdown": "report.md",
    "sarif": "report.sarif",
    "table": "report.txt",
}


def report() -> Report:
    """The report that the files show."""
    return Report.from_json((HERE / FILES["json"]).read_text(encoding="utf-8"))


def rendered() -> dict[str, str]:
    """The text of each file, by its name."""
    return {file: reporter(name)([report()], View(width=100)) for name, file in FILES.items()}


if __name__ == "__main__":
    for name, text in rendered().items():
        (HERE / name).write_text(text, encoding="utf-8", newline="")

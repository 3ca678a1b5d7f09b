"""Models beside each other: the arithmetic of orders, the command, what each format says."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from math import factorial
from pathlib import Path

import jsonschema
import pytest
import torch
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from torch import nn

import mac_audit
from mac_audit import comparison as comparison_module
from mac_audit.capture import capture
from mac_audit.cli import main
from mac_audit.comparison import Comparison, Predicted, Sort, compared
from mac_audit.lower import lower
from mac_audit.report import DeviceInfo, Report
from mac_audit.reporters import View, compare_csv, compare_json, compare_markdown, compare_table
from tests.hostile_text import HOSTILE, hostile

SCHEMA = json.loads((Path(comparison_module.__file__).parent / "comparison.schema.json").read_text(encoding="utf-8"))
GOLDEN = Report.from_json((Path(__file__).parent / "golden" / "report.json").read_text(encoding="utf-8"))
FAST, SLOW = DeviceInfo("fast", "a test", 0.1), DeviceInfo("slow", "a test")
X = torch.empty(1, 8, 16, 16, device="meta")
# By their multiply-adds and what they are wide; the last has the fewest and, launch by launch, takes the longest.
MODELS = {
    "wide": nn.Sequential(nn.Conv2d(8, 64, 3)),
    "narrow": nn.Sequential(nn.Conv2d(8, 8, 3)),
    "deep": nn.Sequential(*(nn.Conv2d(8, 8, 1, groups=8) for _ in range(20))),
}


def model(name: str, flops: int, ms: float | None, mac: int = 1) -> Report:
    """A report of which only what is compared matters."""
    totals = replace(GOLDEN.totals, flops=flops, mac_elements=mac, predicted_ms=ms, lower_bound=False)
    return replace(GOLDEN, name=name, target=name, totals=totals, device=FAST if ms is not None else None)


def comparison(*reports: Report, sort: Sort = "order") -> Comparison:
    return compared([(report, ()) for report in reports], sort)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Networks that trace would write."""
    folder = tmp_path_factory.mktemp("saved")
    found = {}
    for name, net in MODELS.items():
        found[name] = folder / f"{name}.json"
        found[name].write_text(lower(capture(net, X)).to_json(), encoding="utf-8")
    return found


# --- orders ----------------------------------------------------------------------------------------------------------


def test_the_pair_that_flops_get_wrong_by_hand() -> None:
    """a < b < c in FLOPs, b < c < a in time: a is slower than both, b and c are in order."""
    order = comparison(model("a", 10, 9.0), model("b", 20, 3.0), model("c", 40, 4.5)).order("fast", "flops")
    told = [(pair.slower, pair.faster, pair.cost, pair.time) for pair in order.pairs]
    assert told == [("a", "b", 0.5, 3.0), ("a", "c", 0.25, 2.0)]
    assert (order.models, order.compared) == (3, 3)
    assert order.correlation == pytest.approx(1 - 6 * (4 + 1 + 1) / (3 * (9 - 1)))  # 1 - 6Σd² / n(n² - 1)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=2, max_size=8))
def test_pairs_are_those_with_less_cost_and_more_time(entries: list[tuple[int, int]]) -> None:
    order = comparison(*(model(str(i), flops, float(ms)) for i, (flops, ms) in enumerate(entries))).order(
        "fast", "flops"
    )
    wrong = {
        (str(i), str(j))
        for i, (less, longer) in enumerate(entries)
        for j, (more, shorter) in enumerate(entries)
        if less < more and longer > shorter
    }
    assert {(pair.slower, pair.faster) for pair in order.pairs} == wrong
    assert order.compared == factorial(len(entries)) / factorial(len(entries) - 2) / 2
    assert [pair.time for pair in order.pairs] == sorted((pair.time for pair in order.pairs), reverse=True)


def test_sorted_by_what_was_asked_for_and_what_is_not_known_last() -> None:
    lost = replace(GOLDEN, name="lost", error="There is no such file.", verdict="error", device=None)
    lost = replace(lost, totals=replace(lost.totals, flops=0, mac_elements=0, params=0, predicted_ms=None))
    reports = (lost, model("a", 10, 9.0, 3), model("b", 20, 3.0, 2), model("c", 40, 4.5, 1))

    def names(sort: Sort) -> str:
        return " ".join(one.name for one in comparison(*reports, sort=sort).models)

    assert names("order") == "lost a b c"
    assert names("time") == "b c a lost"
    assert names("flops") == "a b c lost"
    assert names("mac") == "c b a lost"


def test_models_of_the_same_name_are_told_apart() -> None:
    twice = comparison(model("net", 1, 1.0), replace(model("net", 2, 2.0), target="old.json"), model("net", 3, 3.0))
    assert [one.name for one in twice.models] == ["net", "net (old.json)", "net #2"]


def test_devices_of_one_name_are_told() -> None:
    """Peaks are those of the dtypes of a model: what only one has is no difference."""

    def notes(device: DeviceInfo) -> tuple[str, ...]:
        return comparison(replace(model("a", 1, 1.0), device=once), replace(model("b", 2, 2.0), device=device)).notes

    once = replace(FAST, bandwidth=1e9, peak={"float32": 1e12})
    assert not any("not the same device" in note for note in notes(replace(once, peak={"float16": 2e12})))
    for other in (replace(once, bandwidth=2e9), replace(once, peak={"float32": 2e12})):
        assert sum(note.startswith("fast is not the same device") for note in notes(other)) == 1


def test_what_cannot_be_compared_is_told() -> None:
    other = replace(model("b", 2, None), execution="eager", inputs=())
    notes = comparison(model("a", 1, 1.0), other).notes
    assert any("execution differs: folded, eager" in note for note in notes)
    assert any("inputs are not the same" in note for note in notes)
    assert any("fast has no time for b" in note for note in notes)


# --- the command -----------------------------------------------------------------------------------------------------


def test_times_on_each_device_are_those_of_an_audit(saved: dict[str, Path]) -> None:
    """And a finding is no failure: this compares."""
    devices = ["gtx-1080-ti", "raspberry-pi-4"]
    result = run(*saved.values(), *(part for name in devices for part in ("--device", name)), "-o", "json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert any(one["verdict"] == "fail" for one in document["models"])
    assert [device["name"] for device in document["devices"]] == devices
    for one in document["models"]:
        net = MODELS[Path(one["target"]).stem]
        for device in devices:
            expected = mac_audit.audit(net, X, device=device)
            assert one["times"][device] == expected.totals.predicted_ms
            assert one["mac_bytes"] == expected.totals.mac_bytes
    times = [one["times"]["gtx-1080-ti"] for one in document["models"]]
    assert times == sorted(times)
    wrong = document["orders"][0]["pairs"]
    assert {(pair["slower"], pair["faster"]) for pair in wrong} == {
        (str(saved["deep"]), str(saved["wide"])),
        (str(saved["deep"]), str(saved["narrow"])),
    }


def test_the_device_that_is_asked_for_first_sorts_before_those_of_saved_reports(
    saved: dict[str, Path], tmp_path: Path
) -> None:
    old = tmp_path / "old.json"
    old.write_text(mac_audit.audit(MODELS["wide"], X, target="old", device="raspberry-pi-4").to_json())
    devices = ("--device", "gtx-1080-ti", "--device", "raspberry-pi-4")
    found = json.loads(run(old, saved["deep"], saved["narrow"], *devices, "--sort", "time", "-o", "json").stdout)
    assert [device["name"] for device in found["devices"]] == ["gtx-1080-ti", "raspberry-pi-4"]
    assert [one["name"] for one in found["models"]] == [str(saved["narrow"]), str(saved["deep"]), "old"]


def test_two_devices_of_one_name_are_refused(saved: dict[str, Path], tmp_path: Path) -> None:
    """Once is enough of one that is asked for in two ways."""
    bundled = resources.files("mac_audit.devices").joinpath("gtx-1080-ti.toml").read_text(encoding="utf-8")
    same, other = tmp_path / "same.toml", tmp_path / "other.toml"
    same.write_text(bundled, encoding="utf-8")
    other.write_text(re.sub(r"(?m)^error = .*$", "error = 0.5", bundled), encoding="utf-8")
    models = (saved["wide"], saved["deep"], "-o", "csv")
    refused = run(*models, "--device", "gtx-1080-ti", "--device", other)
    assert refused.exit_code == 2
    assert "both called 'gtx-1080-ti'" in refused.stderr
    assert run(*models, "--device", "gtx-1080-ti", "--device", same).exit_code == 0


def test_saved_ones_are_compared_without_torch(saved: dict[str, Path], tmp_path: Path) -> None:
    """A list of reports, and a network."""
    reports = tmp_path / "reports.json"
    audited = [mac_audit.audit(MODELS[name], X, target=name, device="gtx-1080-ti") for name in ("wide", "narrow")]
    reports.write_text(f"[{','.join(report.to_json() for report in audited)}]", encoding="utf-8")
    arguments = ["compare", str(reports), str(saved["deep"]), "--device", "gtx-1080-ti", "-o", "csv"]
    program = f"""
import sys
sys.modules["torch"] = None
from mac_audit.cli import main
main({arguments!r})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {row["model"] for row in rows} == {"wide", "narrow", str(saved["deep"])}
    assert all(float(row["predicted time on gtx-1080-ti (ms)"]) > 0 for row in rows)


def test_a_model_that_cannot_be_audited_is_told_and_the_others_are_not_lost(
    saved: dict[str, Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps({**json.loads(saved["wide"].read_text()), "layers": 7}), encoding="utf-8")
    result = run(saved["wide"], saved["deep"], broken, "-o", "table", "-o", f"json={tmp_path / 'c.json'}")
    assert result.exit_code == 2
    assert "broken.json.layers should be a list" in result.stderr
    document = json.loads((tmp_path / "c.json").read_text())
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert [bool(one["error"]) for one in document["models"]] == [False, False, True]
    assert "broken.json.layers" in "".join(result.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["{wide}"], "needs two models or more, and got 1"),
        (["{wide}", "{deep}", "--sort", "time"], "--sort time needs times; name a device with --device"),
        (["{wide}", "{deep}", "-o", "sarif"], "A comparison has no format 'sarif'"),
        (["{wide}", "{deep}", "--device", "gtx-1080ti"], "Did you mean gtx-1080-ti?"),
        (["report.json", "report.json", "--batch", "2"], "have nothing to act on"),
    ],
)
def test_what_makes_no_sense_is_told(saved: dict[str, Path], arguments: Sequence[str], told: str) -> None:
    golden = str(Path(__file__).parent / "golden" / "report.json")
    names = {name: str(path) for name, path in saved.items()}
    result = run(*(text.format(**names).replace("report.json", golden) for text in arguments))
    assert result.exit_code == 2
    assert told in result.stderr


# --- what the formats say --------------------------------------------------------------------------------------------


THREE = (model("a", 10, 9.0), model("b", 20, 3.0), model("c", 40, 4.5))


@pytest.mark.parametrize("width", [80, 160])
def test_table(width: int) -> None:
    further = (Predicted(SLOW, 20.0),)
    text = compare_table.render([compared([(report, further) for report in THREE], "time")], View(width=width))
    assert max(map(len, text.splitlines())) <= width
    rows = [line.split() for line in text.splitlines() if re.match(r"  (pass|fail|error) ", line)]
    assert [row[1] for row in rows] == ["b", "c", "a"]
    assert ("G1" in text.splitlines()[1].split()) is (width == 160)
    flat = " ".join(text.split())
    assert "FLOPs order 2 of 3 pairs otherwise than time does" in flat
    assert "a has 0.50 of the FLOPs of b and takes 3.00 times as long" in flat
    assert "On slow never compared with measurements" in flat


def test_names_stay_whole_before_costs_do() -> None:
    """With two devices in 80 characters parameters and bytes go; in 50, what tells names apart is their end."""
    names = ("torchvision:some_net_x1_0", "torchvision:other_net_x1_0")
    pair = [(model(name, 10 * (i + 1), 9.0), (Predicted(SLOW, 20.0),)) for i, name in enumerate(names)]

    def text(width: int) -> str:
        return compare_table.render([compared(pair, "time")], View(width=width))

    assert all(name in text(80) for name in names)
    assert "FLOPs" in text(80)
    assert "params" not in text(80)
    assert all(name not in text(50) and name.removeprefix("torchvision:") in text(50) for name in names)


def test_a_single_model_is_not_put_in_order() -> None:
    text = compare_table.render([compared([(THREE[0], ())], "time")], View(width=80))
    assert "FLOPs: no two models to put in order" in text


def test_markdown_is_read_as_tables_and_lists() -> None:
    html = MarkdownIt("commonmark").enable("table").render(compare_markdown.render([comparison(*THREE)], View()))
    assert html.count("<table>") == 1
    assert html.count("<tr>") == 1 + len(THREE)
    assert "<li>a has 0.50 of the FLOPs of b and takes 3.00 times as long</li>" in html
    assert "<sub>" in html


def test_csv_has_the_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(compare_csv.render([comparison(*THREE)], View()))))
    assert [(row["model"], int(row["FLOPs"])) for row in rows] == [("a", 10), ("b", 20), ("c", 40)]
    assert [float(row["predicted time on fast (ms)"]) for row in rows] == [9.0, 3.0, 4.5]
    assert rows[0]["G1 verdict"] == next(rule.verdict for rule in GOLDEN.rules if rule.code == "G1")


def test_the_code_of_a_rule_is_no_formula_in_a_title() -> None:
    """https://owasp.org/www-community/attacks/CSV_Injection; a saved report may name its rules as it likes."""
    spoilt = replace(THREE[0], rules=(replace(GOLDEN.rules[0], code="=1+1"),))
    titles = next(csv.reader(io.StringIO(compare_csv.render([comparison(spoilt, THREE[1])], View()))))
    assert [title for title in titles if "=1+1" in title] == ["'=1+1", "'=1+1 verdict"]


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_stays_text(kind: str) -> None:
    def shown(text: str) -> dict[str, str]:
        found = comparison(hostile(GOLDEN, text), hostile(replace(GOLDEN, error="lost"), text))
        modules = (compare_table, compare_markdown, compare_csv, compare_json)
        return {module.__name__: module.render([found], View(width=100)) for module in modules}

    texts, plain = shown(HOSTILE[kind]), shown("plain")
    for name, text in texts.items():
        text.encode()
        if not name.endswith("json"):
            assert all(char.isprintable() or char in "\r\n" for char in text)
    tags = [
        re.findall(r"</?\w+", re.sub("<!-- -->", "", MarkdownIt("commonmark").enable("table").render(found)))
        for found in (texts["mac_audit.reporters.compare_markdown"], plain["mac_audit.reporters.compare_markdown"])
    ]
    assert tags[0] == tags[1]
    rows = list(csv.reader(io.StringIO(texts["mac_audit.reporters.compare_csv"], newline="")))
    assert len(rows) == 3
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(texts["mac_audit.reporters.compare_json"]))


def test_the_schema_refuses_what_is_wrong() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    document = json.loads(comparison(*THREE).to_json())
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    document["orders"][0]["pairs"][0]["time"] = 0.5
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(document)

"""What changed from one audit to another: the arithmetic, the command line, git revisions."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from referencing import Registry, Resource
from torch import nn

import mac_audit
from mac_audit.cli import main
from mac_audit.diff import Change, Diff, alone, compare
from mac_audit.errors import MacAuditError
from mac_audit.increase import Allowance, allowance, limited
from mac_audit.report import DeviceInfo, Report, Suppression
from mac_audit.reporters.changes import moves

X = torch.empty(1, 8, 16, 16, device="meta")


def conv(c_in: int, c_out: int, kernel: int = 3) -> nn.Conv2d:
    return nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2)


def audit(*layers: nn.Module, **named: nn.Module) -> Report:
    model = nn.Sequential(*layers)
    for name, layer in named.items():
        model.add_module(name, layer)
    return mac_audit.audit(model, X, target="net")


def kinds(diff: Diff) -> list[tuple[str, str]]:
    return [(layer.kind, layer.path) for layer in diff.layers]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["diff", *map(str, arguments)])


# --- layers ----------------------------------------------------------------------------------------------------------


def test_the_same_is_no_change() -> None:
    report = audit(conv(8, 8), nn.ReLU(), conv(8, 8))
    diff = compare(report, report)
    assert diff.layers == diff.new_findings == diff.fixed_findings == diff.notes == ()
    assert not any(rule.changed for rule in diff.rules)
    assert all(change.by == 0 for change in diff.totals.values())


def test_a_wider_layer_by_hand() -> None:
    """8 → 16 channels at 16×16 with a 3×3 kernel: 16·16·9·8·8 multiply-adds more, and 8·(9·8 + 1) parameters."""
    diff = compare(audit(stem=conv(8, 8)), audit(stem=conv(8, 16)))
    (layer,) = [layer for layer in diff.layers if layer.path]
    assert layer.kind == "changed"
    assert layer.change("madds").by == diff.totals["madds"].by == 16 * 16 * 9 * 8 * 8
    assert layer.params.by == diff.totals["params"].by == 8 * (9 * 8 + 1)
    # written: 8 maps of 16×16 more; read: the weights that came with them
    assert diff.totals["mac_elements"].by == 8 * 16 * 16 + 8 * (9 * 8 + 1)
    assert diff.totals["mac_bytes"].by == 4 * diff.totals["mac_elements"].by


def test_an_inserted_layer_is_one_layer() -> None:
    old = audit(conv(8, 8), conv(8, 16), conv(16, 4), conv(4, 32))
    new = audit(conv(8, 8), conv(8, 8, 5), conv(8, 16), conv(16, 4), conv(4, 32))
    diff = compare(old, new)
    assert kinds(diff) == [("added", "1"), ("moved", "2"), ("moved", "3"), ("moved", "4")]
    assert list(moves(diff)) == [("1", "2"), ("2", "3"), ("3", "4")]


def test_a_renamed_block_moves_as_one() -> None:
    def block() -> nn.Module:
        return nn.Sequential(conv(8, 4), nn.ReLU(), conv(4, 8))

    diff = compare(audit(stage=block()), audit(layer1=block()))
    assert [layer.kind for layer in diff.layers] == ["moved"] * 4
    assert list(moves(diff)) == [("stage", "layer1")]


def test_a_removed_layer() -> None:
    diff = compare(audit(a=conv(8, 8), b=conv(8, 8, 5)), audit(a=conv(8, 8)))
    assert kinds(diff) == [("removed", "b")]
    assert diff.layers[0].change("madds").by == -16 * 16 * 25 * 8 * 8 == diff.totals["madds"].by


WIDTHS = st.lists(st.sampled_from([4, 8, 16]), min_size=1, max_size=5)


@given(WIDTHS, WIDTHS)
def test_layers_add_up_to_the_totals(first: list[int], second: list[int]) -> None:
    """Whatever is paired with what, every layer of either side is told once: the changes add up."""

    def chain(widths: list[int]) -> Report:
        return chains[tuple(widths)] if tuple(widths) in chains else chains.setdefault(tuple(widths), build(widths))

    def build(widths: list[int]) -> Report:
        return audit(*(conv(c_in, c_out) for c_in, c_out in zip([8, *widths], widths, strict=False)))

    old, new = chain(first), chain(second)
    diff = compare(old, new)
    for figure in ("madds", "mac_elements", "mac_bytes"):
        assert sum(layer.change(figure).by for layer in diff.layers) == diff.totals[figure].by  # type: ignore[arg-type]
    assert sum(layer.params.by for layer in diff.layers) == diff.totals["params"].by
    paths = [row.path for layer in diff.layers if (row := layer.new)]
    assert len(paths) == len(set(paths))


chains: dict[tuple[int, ...], Report] = {}


# --- rules and findings ----------------------------------------------------------------------------------------------


def test_findings_that_come_and_go() -> None:
    good, bad = audit(a=conv(8, 8, 1)), audit(a=conv(8, 64, 1))
    diff = compare(good, bad)
    assert [(f.code, f.layer) for f in diff.new_findings] == [("G1", "a")]
    assert diff.fixed_findings == ()
    g1 = next(rule for rule in diff.rules if rule.code == "G1")
    assert g1.old is not None
    assert g1.new is not None
    assert (g1.old.verdict, g1.new.verdict) == ("pass", "fail")
    back = compare(bad, good)
    assert [(f.code, f.layer) for f in back.fixed_findings] == [("G1", "a")]
    assert back.new_findings == ()


def test_a_finding_moves_with_its_layer() -> None:
    """Also where another layer takes its place: neither is new nor fixed."""
    old, new = audit(conv(8, 64, 1)), audit(conv(8, 8), conv(8, 64, 1))
    diff = compare(old, new)
    assert [f.layer for f in old.findings] == ["0"]
    assert [f.layer for f in new.findings] == ["1"]
    assert diff.new_findings == diff.fixed_findings == ()


def test_a_finding_of_a_removed_layer_is_fixed() -> None:
    diff = compare(audit(a=conv(8, 64, 1), b=conv(64, 8, 3)), audit(b=conv(8, 8, 3)))
    assert ("G1", "a") in [(f.code, f.layer) for f in diff.fixed_findings]


def test_suppressed_findings_do_not_count() -> None:
    good, bad = audit(a=conv(8, 8, 1)), audit(a=conv(8, 64, 1))
    silent = replace(bad, findings=tuple(replace(f, suppressed=Suppression("comment")) for f in bad.findings))
    assert compare(good, silent).new_findings == ()
    assert len(compare(silent, bad).new_findings) == 1


def test_what_cannot_be_compared_is_told() -> None:
    old = audit(conv(8, 8))
    wider = torch.empty(2, 8, 16, 16, device="meta")
    new = mac_audit.audit(nn.Sequential(conv(8, 8)), wider, execution="eager", flop_convention="torch")
    notes = " ".join(compare(old, new).notes)
    assert "execution folded is compared with eager" in notes
    assert "flop convention paper is compared with torch" in notes
    assert "inputs are not the same" in notes


# --- what may grow ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mac:2%", Allowance("mac_elements", 0.02, relative=True)),
        ("params:10 K", Allowance("params", 10_000)),
        ("mac_bytes:1 MB", Allowance("mac_bytes", 1e6, unit="bytes")),
        ("G1:0.01", Allowance("G1", 0.01)),
        ("madds", Allowance("madds", 0)),
    ],
)
def test_allowances(text: str, expected: Allowance) -> None:
    assert allowance(text) == expected


@pytest.mark.parametrize("text", ["mac:two", "mac:x%", "mac:-1"])
def test_allowances_that_are_none(text: str) -> None:
    with pytest.raises(MacAuditError):
        allowance(text)


@pytest.mark.parametrize(
    ("old", "new", "text", "exceeds"),
    [
        (100, 102, "mac:2%", False),
        (100, 103, "mac:2%", True),
        (100, 110, "mac:10", False),
        (100, 111, "mac:10", True),
        (100, 50, "mac", False),
        (100, 101, "mac", True),
        (0, 1, "mac:50%", True),  # nothing has no percentages
        (0, 0, "mac:0%", False),
    ],
)
def test_growth(old: int, new: int, text: str, exceeds: bool) -> None:
    report = audit(conv(8, 8))
    diff = replace(compare(report, report), totals={"mac_elements": Change(old, new)})
    assert bool(limited(diff, [allowance(text)]).exceeded) is exceeds


def test_growth_of_a_predicted_time() -> None:
    """Without a device there is none to compare; with one it is in units of time."""
    plain, wide = audit(conv(8, 8)), audit(conv(8, 16))
    with pytest.raises(MacAuditError, match="no figure 'predicted_ms'"):
        limited(compare(plain, wide), [allowance("time:1 ms")])
    old, new = (
        replace(report, totals=replace(report.totals, predicted_ms=ms), device=DeviceInfo("phone", "a datasheet"))
        for report, ms in ((plain, 2.0), (wide, 3.5))
    )
    diff = compare(old, new)
    assert not [note for note in diff.notes if "times" in note]
    assert limited(diff, [allowance("time:1.6 ms"), allowance("predicted_ms:80%")]).exceeded == ()
    (told,) = limited(diff, [allowance("time:1.4 ms")]).exceeded
    assert told == "predicted_ms grew from 2.00 ms to 3.50 ms by 1.50 ms, 75.0 %; allowed is 1.40 ms"
    with pytest.raises(MacAuditError, match="may grow by no unit"):
        limited(diff, [allowance("time:1")])
    assert "times on no device are compared with those on phone" in compare(plain, new).notes


def test_growth_of_a_measure() -> None:
    """A rule that had nothing to judge had no value: all that it has now was added."""
    good, bad, none = audit(a=conv(8, 8, 1)), audit(a=conv(8, 64, 1)), audit(a=conv(8, 8, 3))
    for old in (good, none):
        (told,) = limited(compare(old, bad), [allowance("G1:0.1")]).exceeded
        assert told.startswith("G1 grew from 0.000 to 0.")
    assert limited(compare(bad, good), [allowance("G1")]).exceeded == ()


def test_unknown_figures_and_wrong_units() -> None:
    report = audit(conv(8, 8))
    with pytest.raises(MacAuditError, match="Did you mean madds"):
        limited(compare(report, report), [allowance("mads:1%")])
    with pytest.raises(MacAuditError, match="params is measured in count, but may grow by bytes"):
        limited(compare(report, report), [allowance("params:1 MB")])


# --- the command line ------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[str, Report], Path]:
    def save(name: str, report: Report) -> Path:
        (tmp_path / name).write_text(report.to_json(), encoding="utf-8")
        return tmp_path / name

    return save


def test_exit_status(saved: Callable[[str, Report], Path]) -> None:
    old, new = saved("old.json", audit(a=conv(8, 8, 1))), saved("new.json", audit(a=conv(8, 64, 1)))
    assert run(old, new).exit_code == 0
    grown = run(old, new, "--fail-on-increase", "mac:2%", "--fail-on-increase", "params:1 M")
    assert grown.exit_code == 1
    assert "mac_elements grew from" in grown.stdout
    assert "params grew" not in grown.stdout
    assert run(new, old, "--fail-on-increase", "mac").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["OLD"], "needs OLD and NEW"),
        (["OLD", "OLD", "OLD"], "needs OLD and NEW"),
        (["OLD", "nonesuch.json"], "nonesuch.json cannot be read"),
        (["OLD", "OLD", "-o", "sarif"], "A diff has no format 'sarif'"),
        (["OLD", "OLD", "-o", "markdwon"], "Did you mean markdown"),
        (["OLD", "OLD", "-o", "json", "-o", "table"], "Two formats"),
        (["OLD", "OLD", "--fail-on-increase", "mca:1%"], "Did you mean mac"),
        (["OLD", "nonesuch.py"], "no file nonesuch.py"),
        (["OLD", "OLD", "--input", "1,8,4,4"], "have nothing to act on"),
    ],
)
def test_errors(saved: Callable[[str, Report], Path], arguments: list[str], message: str) -> None:
    old = saved("old.json", audit(conv(8, 8)))
    result = run(*(old if argument == "OLD" else argument for argument in arguments))
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_a_saved_network_is_a_side(tmp_path: Path) -> None:
    from mac_audit.capture import record
    from mac_audit.lower import lower

    files = []
    for width in (8, 16):
        network = lower(record(nn.Sequential(conv(8, width)), X), "model as given")
        files.append(tmp_path / f"{width}.json")
        files[-1].write_text(network.to_json(), encoding="utf-8")
    diff = json.loads(run(*files, "-o", "json").stdout)
    assert diff["totals"]["madds"] == {"old": 16 * 16 * 9 * 8 * 8, "new": 16 * 16 * 9 * 8 * 16}


def test_several_models_are_paired_by_name(tmp_path: Path) -> None:
    a, b = (replace(audit(conv(8, width)), name=name) for name, width in (("a", 8), ("b", 16)))
    wider = replace(audit(conv(8, 32)), name="a")
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(f"[{a.to_json()}, {b.to_json()}]")
    new.write_text(f"[{replace(b, name='c').to_json()}, {wider.to_json()}]")
    files = {name: tmp_path / f"diff.{name}" for name in ("json", "markdown", "table")}
    outputs = [part for name, file in files.items() for part in ("-o", f"{name}={file}")]
    assert run(old, new, *outputs, "--fail-on-increase", "params:300%").exit_code == 0
    diffs = json.loads(files["json"].read_text())
    assert [(diff["presence"], diff["new"]["name"]) for diff in diffs] == [("both", "a"), ("new", "c"), ("gone", "b")]
    params = [diff["totals"]["params"] for diff in diffs]
    assert params == [{"old": 8 * 73, "new": 32 * 73}, {"old": None, "new": 16 * 73}, {"old": 16 * 73, "new": None}]
    for diff in diffs:
        validate(diff)
    for name in ("markdown", "table"):
        text = files[name].read_text()
        assert "c is new, there is nothing to compare it with" in text
        assert "b is gone, there is nothing to compare it with" in text


def test_findings_of_a_new_model_are_new_and_those_of_a_gone_one_are_not_fixed() -> None:
    """A model nobody has any more is no better for it, and a new one did not grow."""
    bad = audit(a=conv(8, 64, 1))
    new, gone = alone(bad, "new"), alone(bad, "gone")
    assert [f.code for f in new.new_findings] == [f.code for f in bad.findings] != []
    assert (new.fixed_findings, gone.new_findings, gone.fixed_findings) == ((), (), ())
    assert {layer.kind for layer in new.layers} == {"added"}
    assert {layer.kind for layer in gone.layers} == {"removed"}
    assert limited(new, [allowance("params")]).exceeded == ()


def validate(document: dict[str, Any]) -> None:
    """By the schema that is shipped, beside that of a report, to which it refers."""
    folder = Path(mac_audit.__file__).parent
    schema, report = (json.loads((folder / f"{name}.schema.json").read_text()) for name in ("diff", "report"))
    registry: Registry[Any] = Registry().with_resource("report.schema.json", Resource.from_contents(report))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema, registry=registry).validate(document)


def test_json_fits_its_schema_and_the_schema_refuses_what_is_wrong() -> None:
    diff = limited(compare(audit(a=conv(8, 8, 1)), audit(a=conv(8, 64, 1), b=conv(64, 8))), [allowance("params")])
    assert diff.new_findings
    assert diff.exceeded
    document = json.loads(diff.to_json())
    validate(document)
    for wrong in ({"presence": "lost"}, {"new_findings": [{}]}, {"totals": {"params": 3}}, {"extra": 1}):
        with pytest.raises(jsonschema.ValidationError):
            validate(document | wrong)


def test_formats_say_the_same(saved: Callable[[str, Report], Path], tmp_path: Path) -> None:
    old, new = saved("old.json", audit(a=conv(8, 8, 1))), saved("new.json", audit(a=conv(8, 64, 1)))
    files = {name: tmp_path / f"diff.{name}" for name in ("json", "markdown", "table")}
    assert run(old, new, *(part for name, file in files.items() for part in ("-o", f"{name}={file}"))).exit_code == 0
    madds = {"old": 16 * 16 * 64, "new": 16 * 16 * 512}
    assert json.loads(files["json"].read_text())["totals"]["madds"] == madds
    for name in ("markdown", "table"):
        text = files[name].read_text()
        assert "+115 K" in text  # 114688 multiply-adds
        assert "+700.0 %" in text


@pytest.mark.parametrize(
    "text", ["\x1b[31m", "|</td></details>", "`x` **y**", "\u202e", "a\n\n# b", "@all #1", "x" * 9_999]
)
def test_hostile_names_stay_text(text: str) -> None:
    from mac_audit.reporters import View, diff_markdown, diff_table

    def shown(name: str) -> tuple[str, str]:
        old, new = audit(a=conv(8, 8, 1)), audit(a=conv(8, 64, 1), b=conv(64, 8))
        rows = tuple(replace(row, path=name, type=name) if row.path == "b" else row for row in new.layers)
        findings = tuple(replace(f, layer=name, message=name) for f in new.findings)
        diff = compare(old, replace(new, name=name, layers=rows, findings=findings, rules=new.rules[:1]))
        return diff_table.render([diff], View()), diff_markdown.render([diff], View())

    table, markdown = shown(text)
    assert all(char.isprintable() or char == "\n" for char in table + markdown)
    assert "x" * 999 not in table + markdown
    reader = MarkdownIt("commonmark").enable("table")
    tags = [re.findall(r"</?\w+", reader.render(page).replace("<!-- -->", "")) for page in (markdown, shown("b")[1])]
    assert tags[0] == tags[1]


def test_saved_files_need_no_torch(saved: Callable[[str, Report], Path]) -> None:
    old, new = saved("old.json", audit(a=conv(8, 8, 1))), saved("new.json", audit(a=conv(8, 64, 1)))
    for output in ("table", "json", "markdown"):
        code = f"""
import sys
sys.modules["torch"] = None
sys.modules["networkx"] = None
from mac_audit.cli import main
main(["diff", {str(old)!r}, {str(new)!r}, "-o", {output!r}], standalone_mode=False)
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "G1" in done.stdout


# --- targets and git -------------------------------------------------------------------------------------------------

MODEL = """\
from blocks import WIDTH
from torch import nn
import torch

model = nn.Sequential(nn.Conv2d(8, WIDTH, 3, padding=1))
example_inputs = torch.empty(1, 8, 16, 16)
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose model is 8 wide at its first commit and 16 in the working tree, in a folder of its own."""
    folder = tmp_path / "repository" / "nets"
    folder.mkdir(parents=True)
    (folder / "net.py").write_text(MODEL)
    (folder / "blocks.py").write_text("WIDTH = 8\n")
    monkeypatch.chdir(folder)
    for variable in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(variable, raising=False)
    git("init", "--quiet", "..")
    git("add", ".")
    git("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "first")
    (folder / "blocks.py").write_text("WIDTH = 16\n")
    return folder


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout


def madds(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["totals"]["madds"]


def test_git_revision(repository: Path) -> None:
    before = git("status", "--porcelain", "--ignored")
    result = run("--git", "HEAD", "net.py", "-o", "json")
    # Both import a module called blocks: each its own.
    assert madds(result) == {"old": 16 * 16 * 9 * 8 * 8, "new": 16 * 16 * 9 * 8 * 16}
    sources = {row["source"]["file"] for layer in json.loads(result.stdout)["layers"] for row in (layer["new"],)}
    assert sources == {"net.py"}
    assert len(git("worktree", "list").splitlines()) == 1
    assert git("branch", "--list", "--all").count("\n") == 1
    assert [line for line in git("status", "--porcelain").splitlines() if "__pycache__" not in line] == [
        line for line in before.splitlines() if "__pycache__" not in line
    ]


def test_two_targets_do_not_mix(repository: Path) -> None:
    other = repository / "other"
    other.mkdir()
    (other / "net.py").write_text(MODEL)
    (other / "blocks.py").write_text("WIDTH = 32\n")
    result = run("net.py", "other/net.py", "-o", "json")
    assert madds(result) == {"old": 16 * 16 * 9 * 8 * 16, "new": 16 * 16 * 9 * 8 * 32}


def test_a_target_against_itself_is_no_change(repository: Path) -> None:
    assert madds(run("net.py", "net.py", "-o", "json")) == dict.fromkeys(("old", "new"), 16 * 16 * 9 * 8 * 16)


def test_options_reach_both_sides(repository: Path) -> None:
    result = run("--git", "HEAD", "net.py", "--input", "1,8,4,4", "-o", "json")
    assert madds(result) == {"old": 4 * 4 * 9 * 8 * 8, "new": 4 * 4 * 9 * 8 * 16}


def test_a_report_of_a_model_that_failed(saved: Callable[[str, Report], Path]) -> None:
    lost = replace(audit(conv(8, 8)), error="There is no file.", verdict="error", name="lost")
    result = run(saved("lost.json", lost), saved("new.json", audit(conv(8, 8))))
    assert result.exit_code == 2
    assert "lost was not audited (There is no file.)" in result.stderr


def test_git_with_the_configuration_of_its_time(repository: Path) -> None:
    """All its models, each under its name; one that was not there has nothing to be compared with."""
    models = repository.parent / "mac-audit.toml"
    models.write_text('[[model]]\nname = "net"\ntarget = "nets/net.py"\n')
    git("add", "--all", "..")
    git("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "second")
    (repository / "blocks.py").write_text("WIDTH = 32\n")
    models.write_text(models.read_text() + '[[model]]\nname = "young"\ntarget = "nets/net.py"\n')
    result = run("--git", "HEAD", "-o", "json")
    document, young = json.loads(result.stdout)
    assert document["totals"]["madds"] == {"old": 16 * 16 * 9 * 8 * 16, "new": 16 * 16 * 9 * 8 * 32}
    assert document["old"]["name"] == document["new"]["name"] == "net"
    assert document["old"]["target"] == document["new"]["target"]
    assert (young["new"]["name"], young["presence"]) == ("young", "new")


def test_git_where_there_was_no_configuration_yet(repository: Path) -> None:
    """All models are new, which is no error; a revision whose configuration is wrong is one."""
    models = repository.parent / "mac-audit.toml"
    models.write_text('[[model]]\nname = "net"\ntarget = "nets/net.py"\n')
    result = run("--git", "HEAD", "-o", "json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["presence"] == "new"
    models.write_text("[[model]]\n")
    git("add", "--all", "..")
    git("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "wrong")
    assert run("--git", "HEAD").exit_code == 2


def test_git_output_is_the_same_twice(repository: Path) -> None:
    """The temporary worktree leaves no trace in it."""
    (repository / "net.py").write_text(MODEL.replace("3, padding=1", "1"))
    first, second = (run("--git", "HEAD", "net.py", "-o", "json").stdout for _ in range(2))
    assert first == second
    assert "mac-audit-" not in first.replace("mac-audit-baseline", "")


def test_hooks_of_the_repository_do_not_run(repository: Path) -> None:
    hook = Path(git("rev-parse", "--git-path", "hooks/post-checkout").strip())
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {repository}/ran\n")
    hook.chmod(0o755)
    assert run("--git", "HEAD", "net.py").exit_code == 0
    assert not (repository / "ran").exists()


def test_git_errors(repository: Path) -> None:
    unknown = run("--git", "nonesuch", "net.py")
    assert unknown.exit_code == 2
    assert "no git revision 'nonesuch'" in unknown.stderr
    option = run("--git", "--help", "net.py")
    assert option.exit_code == 2
    assert "no git revision '--help'" in option.stderr
    (repository / "new.py").write_text(MODEL)
    missing = run("--git", "HEAD", "new.py")
    assert missing.exit_code == 2
    assert "At HEAD: There is no file new.py" in missing.stderr
    absolute = run("--git", "HEAD", repository / "net.py")
    assert absolute.exit_code == 2
    assert "of today, not from the revision" in absolute.stderr
    assert len(git("worktree", "list").splitlines()) == 1


def test_git_without_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    result = run("--git", "HEAD", "net.py")
    assert result.exit_code == 2
    assert "--git needs a repository" in result.stderr
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "There is no git here" in run("--git", "HEAD", "net.py").stderr

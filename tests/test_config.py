"""The configuration: where it is found, what it says, what the command line says over it, and what is wrong with it."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mac_audit import config
from mac_audit.cli import main
from mac_audit.errors import MacAuditError
from mac_audit.request import Request

ROOT = Path(__file__).parent.parent
MODEL = """\
from torch import nn

class Net(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.up = nn.Conv2d(8, width, 1)
        self.down = nn.Conv2d(width, 8, 1)

    def forward(self, x):
        return self.down(self.up(x))
"""
CONFIG = """\
[[model]]
name = "wide"
target = "nets/net_of_config.py:Net"
inputs = ["1,8,32,32"]

[[model]]
name = "even"
target = "nets/net_of_config.py:Net"
arguments = { width = 8 }
inputs = ["1,8,32,32"]
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "net_of_config.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def audited(*arguments: str) -> dict[str, Any]:
    """The report of one model, of which the exit status is no error."""
    result = run(*arguments, "-o", "json")
    assert result.exit_code in (0, 1), result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def codes(report: dict[str, Any]) -> list[str]:
    return [rule["code"] for rule in report["rules"]]


def settings(*arguments: str) -> dict[str, tuple[str, str]]:
    """What ``--show-settings`` says: by key, the value and where it comes from."""
    result = run("check", *arguments, "--show-settings")
    assert result.exit_code == 0, result.stderr
    lines = (re.fullmatch(r"(\S.*?) = (.*?) +# (.*)", line) for line in result.stdout.splitlines())
    return {line[1]: (line[2], line[3]) for line in lines if line is not None}


# --- where it is ---------------------------------------------------------------------------------------------------


def test_own_file_comes_before_pyproject(repository: Path) -> None:
    (repository / "pyproject.toml").write_text('[tool.mac-audit]\nfail-on = "note"\n')
    assert config.find(repository) == repository / "pyproject.toml"
    (repository / "mac-audit.toml").write_text("")
    assert config.find(repository) == repository / "mac-audit.toml"


def test_search_goes_up_to_the_top_of_the_repository(repository: Path) -> None:
    inner = repository / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "pyproject.toml").write_text("[tool.ruff]\n")  # says nothing of mac-audit
    assert config.find(inner) is None
    (repository / "mac-audit.toml").write_text("")
    assert config.find(inner) == repository / "mac-audit.toml"
    (inner / ".git").write_text("gitdir: elsewhere\n")  # a repository of its own, as a worktree has it
    assert config.find(inner) is None


def test_pyproject_and_own_file_say_the_same(repository: Path) -> None:
    (repository / "mac-audit.toml").write_text(CONFIG)
    own = config.read(repository / "mac-audit.toml")
    (repository / "pyproject.toml").write_text(CONFIG.replace("[[model]]", "[[tool.mac-audit.model]]"))
    shared = config.read(repository / "pyproject.toml")
    assert own.model == shared.model
    assert [model.name for model in own.model] == ["wide", "even"]


def test_config_option_and_isolated(repository: Path) -> None:
    (repository / "mac-audit.toml").write_text('select = ["G3"]\n')
    (repository / "other.toml").write_text('select = ["G4"]\n')
    target = ("nets/net_of_config.py", "--input", "1,8,32,32")
    assert codes(audited(*target)) == ["G3"]
    assert codes(audited(*target, "--config", "other.toml")) == ["G4"]
    assert codes(audited(*target, "--isolated")) == ["G1", "G2", "G3", "G4"]
    both = run(*target, "--isolated", "--config", "other.toml")
    assert both.exit_code == 2
    assert "give one of them" in both.stderr
    assert run(*target, "--config", "nonesuch.toml").exit_code == 2


# --- models --------------------------------------------------------------------------------------------------------


def test_bare_command_audits_every_model(repository: Path) -> None:
    (repository / "mac-audit.toml").write_text(CONFIG)
    result = run("-o", "json")
    assert result.exit_code == 1
    wide, even = json.loads(result.stdout)
    assert [(r["name"], r["target"], r["verdict"]) for r in (wide, even)] == [
        ("wide", "nets/net_of_config.py:Net", "fail"),
        ("even", "nets/net_of_config.py:Net", "pass"),
    ]
    assert wide["totals"]["params"] == (8 * 64 + 64) + (64 * 8 + 8)


def test_without_a_configuration_the_bare_command_prints_help(repository: Path) -> None:
    result = run()
    assert "Usage" in result.output
    assert run("check").exit_code == 2
    (repository / "mac-audit.toml").write_text("")
    empty = run()
    assert empty.exit_code == 2
    assert "mac-audit.toml has no [[model]]" in empty.stderr


def test_model_by_name(repository: Path) -> None:
    (repository / "mac-audit.toml").write_text(CONFIG)
    assert audited("even")["verdict"] == "pass"
    wrong = run("evne")
    assert wrong.exit_code == 2
    assert "Did you mean even?" in wrong.stderr


def test_paths_start_at_the_file(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "mac-audit.toml").write_text(CONFIG)
    monkeypatch.chdir(repository / "nets")
    report = audited("wide")
    assert report["target"] == "net_of_config.py:Net"
    assert report["findings"][0]["source"]["file"] == "net_of_config.py"


def test_modules_are_found_beside_the_file(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "beside_of_config.py").write_text(MODEL)
    (repository / "mac-audit.toml").write_text(
        '[[model]]\ntarget = "beside_of_config:Net"\ninputs = ["1,8,32,32"]\nname = "net"\n'
    )
    monkeypatch.chdir(repository / "nets")
    assert audited("net")["totals"]["params"] > 0


def test_command_line_over_model_over_file(repository: Path) -> None:
    (repository / "mac-audit.toml").write_text('execution = "fused"\n' + CONFIG + 'execution = "eager"\n')
    found = settings()
    assert found["model.wide.execution"] == ('"fused"', "mac-audit.toml")
    assert found["model.even.execution"] == ('"eager"', "mac-audit.toml")
    found = settings("even", "--execution", "folded", "--arg", "width=16")
    assert found["model.even.execution"] == ('"folded"', "the command line")
    assert "model.wide.execution" not in found
    assert audited("even")["execution"] == "eager"
    report = audited("even", "--execution", "folded", "--arg", "width=16")
    assert report["execution"] == "folded"
    assert report["totals"]["params"] == (8 * 16 + 16) + (16 * 8 + 8)


def test_budgets_of_file_model_and_command_line(repository: Path) -> None:
    (repository / "mac-audit.toml").write_text(
        'budgets = { params = "1 G", madds = "1 G" }\n' + CONFIG + 'budgets = { params = "2 G" }\n'
    )

    def limits(*arguments: str) -> dict[str, float]:
        return {rule["code"]: rule["limit"] for rule in audited(*arguments)["rules"] if rule["code"][0] == "B"}

    assert limits("wide") == {"B1": 1e9, "B2": 1e9}
    assert limits("even") == {"B1": 2e9, "B2": 1e9}
    assert limits("even", "--budget", "params=3 G") == {"B1": 3e9, "B2": 1e9}


def test_settings_say_where_they_come_from(repository: Path) -> None:
    (repository / "mac-audit.toml").write_text(
        'extend-select = ["G1"]\nignore = ["G2"]\nstrict = true\n[rules.unequal-channels]\nlimit = 0.2\n' + CONFIG
    )
    found = settings("--ignore", "G3", "--fail-on", "note")
    assert found["select"] == ('["ALL"]', "default")
    assert found["ignore"] == ('["G2", "G3"]', "mac-audit.toml and the command line")
    assert found["strict"] == ("true", "mac-audit.toml")
    assert found["fail-on"] == ('"note"', "the command line")
    assert found["rules.G1.limit"] == ("0.2", "mac-audit.toml")
    assert found["rules.G1.multiple"] == ("8", "default")
    assert found["model.wide: rules that run"] == ('["G1", "G4"]', "all of the above")


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("net.py", "../net.py"),
        ("nets/net.py:Net", "../nets/net.py:Net"),
        ("net.json", "../net.json"),
        ("transformers:configs/small.json", "transformers:../configs/small.json"),
        ("package.module:factory", "package.module:factory"),
        ("zoo:resnet18", "zoo:resnet18"),
        ("transformers:LlamaForCausalLM", "transformers:LlamaForCausalLM"),
        ("h100", "h100"),
    ],
)
def test_what_is_a_path(repository: Path, monkeypatch: pytest.MonkeyPatch, written: str, seen: str) -> None:
    (repository / "elsewhere").mkdir()
    monkeypatch.chdir(repository / "elsewhere")
    assert config.beside(repository, written) == seen


def test_every_field_of_a_request_is_a_key(repository: Path) -> None:
    """Of a model, and but for the target and its arguments, of the file."""
    values = {
        "target": '"zoo:resnet18"',
        "arguments": "{ classes = 10 }",
        "inputs": '["1,3,64,64"]',
        "execution": '"eager"',
        "capture": '"fake"',
        "device": '"h100"',
        "plugins": "[]",
        "batch": "2",
        "seq_len": "8",
        "resolution": "[64, 64]",
        "phase": '"prefill"',
        "timeout": "30",
        "memory": '"4 GB"',
    }
    assert values.keys() == {field.name for field in fields(Request)} - config.LINE_ALONE
    lines = [f"{name.replace('_', '-')} = {value}\n" for name, value in values.items()]
    (repository / "mac-audit.toml").write_text("".join(lines[2:]) + "[[model]]\n" + "".join(lines))
    read = config.read(repository / "mac-audit.toml")
    assert read.model[0].request.keys() == values.keys()
    assert Request(**read.model[0].request) == Request(**{**read.request, **read.model[0].request})


@pytest.mark.parametrize("size", ["batch = 0", "batch = -3", "seq-len = 0", "resolution = [0, 64]"])
def test_a_size_of_nothing_is_no_pass(repository: Path, size: str) -> None:
    (repository / "mac-audit.toml").write_text(f"[[model]]\ntarget = 'nets/net_of_config.py'\n{size}\n")
    result = run("--input", "1,8,4,4")
    assert result.exit_code == 2
    assert "give at least 1" in result.stderr


# --- what is wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("isolation = false", "there is no key 'isolation'"),
        ("network = true", "there is no key 'network'"),
        ("fail-one = 'note'", "there is no key 'fail-one'. Did you mean fail-on?"),
        ("[[models]]\nname = 'x'", "there is no key 'models'. Did you mean model?"),
        ("[[model]]\ntarget = 'a.py'\ninput = ['1,8']", "model 1: there is no key 'input'. Did you mean inputs?"),
        ("[[model]]\nname = 'x'", "model 1 lacks a target"),
        ("[model]\nname = 'x'", "[[model]] tables"),
        ("[[model]]\ntarget = 'a.py'\n[[model]]\ntarget = 'a.py'", "two models have the name 'a.py'"),
        ("[[model]]\ntarget = 'a.py'\ninputs = '1,8'", "model 1: inputs should be a list"),
        ("target = 'a.py'", "there is no key 'target'"),
        ("fail-on = 'never'", "should be 'error' or 'warning' or 'note', but is 'never'"),
        ("strict = 1", "strict should be bool, but is 1"),
        ("select = 'G1'", "select should be a list"),
        ("select = ['G9']", "mac-audit.toml: select: There is no rule 'G9'"),
        ("ignore = ['unequal-chanels']", "Did you mean unequal-channels?"),
        ("[rules.G9]\nlimit = 1", "There is no rule 'G9'"),
        ("[rules.G1]\nlimt = 1", "rules.G1.limt: G1 has no option 'limt'"),
        ("[rules.G1]\nlimt = 1", "Did you mean limit?"),
        ("[rules.G1]\nlimit = '0.1'", "rules.G1.limit should be float, but is '0.1'"),
        ("[rules.G1]\nmultiple = 8.5", "rules.G1.multiple should be int, but is 8.5"),
        ("[rules.G1]\nseverity = 'eror'", "rules.G1.severity should be 'error' or 'warning' or 'note'"),
        ("[rules.G1]\nlimit = 1\n[rules.unequal-channels]\nlimit = 1", "the options of G1 stand in two tables"),
        ("budgets = { param = '5 M' }", "budgets: there is no budget 'param'"),
        ("budgets = { params = '5 MB' }", "mac-audit.toml: budgets.params should be in count"),
        ("[[ignore]]\npath = 'x'", "lacks the key 'reason'"),
        ("[[ignore]]\npath = 'x'\nreason = 'y'\nrule = ['G1']", "unknown key 'rule'. Did you mean rules?"),
        ("[[ignore]]\npath = 'x'\nreason = 'y'\nrules = ['G9']", "ignore of 'x': There is no rule 'G9'"),
        ("fail-on = ", "mac-audit.toml is not TOML"),
    ],
)
def test_errors_name_the_file_and_the_nearest(repository: Path, text: str, message: str) -> None:
    (repository / "mac-audit.toml").write_text(text)
    result = run("nets/net_of_config.py", "--input", "1,8,4,4")
    assert result.exit_code == 2
    assert message in result.stderr
    assert "mac-audit.toml" in result.stderr
    assert result.stdout == ""


def test_a_file_without_our_table_is_told(repository: Path) -> None:
    (repository / "pyproject.toml").write_text("[tool.ruff]\n")
    with pytest.raises(MacAuditError, match=r"no table \[tool.mac-audit\]"):
        config.read(repository / "pyproject.toml")


# --- rules and formulas of one's own -------------------------------------------------------------------------------

RULE = """\
from mac_audit.rule import Measure, rule

@rule("H1", "too-many-operators")
def too_many_operators(profile, *, limit: int = 1):
    return Measure(profile.total.operators, limit, measure="operators", unit="count")
"""


def test_a_rule_in_a_file(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "lint").mkdir()
    (repository / "lint" / "rule_of_config.py").write_text(RULE)
    (repository / "mac-audit.toml").write_text('plugins = ["lint/rule_of_config.py"]\n' + CONFIG)
    monkeypatch.chdir(repository / "nets")
    result = run("-o", "json", "--select", "H1")
    assert result.exit_code == 1, result.stderr
    for report in json.loads(result.stdout):
        (finding,) = report["findings"]
        assert (finding["layer"], finding["value"], finding["limit"]) == ("", 2, 1)
        assert finding["message"] == "operators is 2, beyond the limit of 1"
    assert "too-many-operators" in run("rule").stdout
    (repository / "mac-audit.toml").write_text(
        'plugins = ["lint/rule_of_config.py"]\n[rules.H1]\nlimit = 2\nseverity = "note"\n' + CONFIG
    )
    rules = {rule["code"]: rule for rule in audited("even")["rules"]}
    assert (rules["H1"]["verdict"], rules["H1"]["limit"]) == ("pass", 2)


def test_a_rule_of_one_model_does_not_run_for_another(repository: Path) -> None:
    (repository / "own_of_config.py").write_text(RULE.replace("H1", "H2"))
    (repository / "mac-audit.toml").write_text(CONFIG + 'plugins = ["own_of_config.py"]\n')
    assert "H2" not in codes(audited("wide"))
    assert "H2" in codes(audited("even"))


def test_two_rules_of_one_code_are_told(repository: Path) -> None:
    (repository / "twin_of_config.py").write_text(RULE.replace("H1", "G1"))
    result = run("nets/net_of_config.py", "--input", "1,8,4,4", "--plugin", "twin_of_config.py")
    assert result.exit_code == 2
    assert "twin_of_config.py has the code of another" in result.stderr


# --- what the page says of it --------------------------------------------------------------------------------------


def test_page_has_the_example_and_every_key() -> None:
    page = (ROOT / "docs" / "ci.md").read_text()
    example = (ROOT / "docs" / "examples" / "ci" / "mac-audit.toml").read_text()
    assert f"```toml from=examples/ci/mac-audit.toml\n{example}```" in page
    house_rule = (ROOT / "docs" / "examples" / "ci" / "house_rules.py").read_text().partition("\n\n")[2]
    assert f"```python from=examples/ci/house_rules.py\n{house_rule}```" in page
    names = {field.name for kind in (config.Config, config.Model) for field in fields(kind)} - {"file", "request"}
    for name in names | {"target", "arguments", "inputs", "execution"}:
        assert re.search(rf"`(\[\[)?{name.replace('_', '-')}(\]\]|\.CODE)?`", page), name


# --- selecting -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "arguments", "expected"),
    [
        ("", ["--select", "G1,G4"], ["G1", "G4"]),
        ("", ["--select", "G1", "--select", "elementwise-share"], ["G1", "G4"]),
        ("", ["--select", "g"], ["G1", "G2", "G3", "G4"]),
        ("", ["--ignore", "G2,unequal-channels"], ["G3", "G4"]),
        ("", ["--select", "ALL", "--ignore", "G"], []),
        ("select = ['G1', 'G2']\nignore = ['G2']", [], ["G1"]),
        ("select = ['G1', 'G2']\nignore = ['G2']", ["--extend-select", "G2"], ["G1", "G2"]),
        ("select = ['G1', 'G2']", ["--ignore", "G2"], ["G1"]),
        ("select = ['G1']\nextend-select = ['G3']", [], ["G1", "G3"]),
        ("ignore = ['G3']", ["--select", "G3"], ["G3"]),  # the command line starts anew
    ],
)
def test_what_is_not_selected_does_not_run(
    repository: Path, file: str, arguments: list[str], expected: list[str]
) -> None:
    (repository / "mac-audit.toml").write_text(file)
    assert codes(audited("nets/net_of_config.py", "--input", "1,8,32,32", *arguments)) == expected


def test_a_budget_of_one_model_can_be_selected(repository: Path) -> None:
    (repository / "mac-audit.toml").write_text('select = ["B1"]\n' + CONFIG + 'budgets = { params = "1 M" }\n')
    wide, even = json.loads(run("-o", "json").stdout)
    assert (codes(wide), codes(even)) == ([], ["B1"])
    assert run("wide").exit_code == 0
    asked = run("wide", "--select", "B1")  # nothing would be left
    assert asked.exit_code == 2
    assert "the command line: B1 needs its limit" in asked.stderr


def test_a_model_can_ignore_a_rule(repository: Path) -> None:
    (repository / "mac-audit.toml").write_text(CONFIG + 'ignore = ["G4"]\n')
    assert codes(audited("wide")) == ["G1", "G2", "G3", "G4"]
    assert codes(audited("even")) == ["G1", "G2", "G3"]


@pytest.mark.parametrize(
    ("severity", "arguments", "status", "verdict"),
    [
        ("error", [], 1, "fail"),
        ("warning", [], 0, "pass"),
        ("warning", ["--fail-on", "warning"], 1, "fail"),
        ("note", ["--fail-on", "warning"], 0, "pass"),
        ("note", ["--fail-on", "note"], 1, "fail"),
        ("error", ["--exit-zero"], 0, "fail"),
    ],
)
def test_severity_decides(repository: Path, severity: str, arguments: list[str], status: int, verdict: str) -> None:
    (repository / "mac-audit.toml").write_text(f'[rules.G1]\nseverity = "{severity}"\n' + CONFIG)
    result = run("wide", "-o", "json", *arguments)
    assert result.exit_code == status
    report = json.loads(result.stdout)
    assert report["verdict"] == verdict
    assert {rule["code"]: rule["verdict"] for rule in report["rules"]}["G1"] == "fail"
    assert {finding["severity"] for finding in report["findings"]} == {severity}
    table = run("wide", *arguments).stdout
    assert "G1" in table.splitlines()[-1]


def test_exit_zero_forgives_findings_and_no_errors(repository: Path) -> None:
    assert run("nonesuch.py", "--exit-zero").exit_code == 2


def test_rule_options_are_in_force(repository: Path) -> None:
    (repository / "mac-audit.toml").write_text("[rules.G1]\nlimit = 0.9\n" + CONFIG)
    assert audited("wide")["verdict"] == "pass"


def test_plugins_of_the_command_line_join_those_of_the_file(tmp_path: Path) -> None:
    """The file sets an option of a rule that only its own plugin has."""
    (tmp_path / "net.py").write_text("from torch import nn\nmodel = nn.Linear(4, 4)\n")
    house = 'from mac_audit.rule import Measure, rule\n@rule("{0}1", "house-{0}")\n'
    house += "def judged(profile, *, limit: int = 99):\n    return Measure(1, limit)\n"
    (tmp_path / "first.py").write_text(house.format("H"))
    (tmp_path / "second.py").write_text(house.format("K"))
    (tmp_path / "mac-audit.toml").write_text('plugins = ["first.py"]\n[rules.H1]\nlimit = 5\n')
    config = ["--config", str(tmp_path / "mac-audit.toml"), "--plugin", str(tmp_path / "second.py")]
    target = [str(tmp_path / "net.py"), "--input", "2,4", "--select", "H,K", "-o", "json"]
    result = CliRunner().invoke(main, [*target, *config])
    assert result.exit_code == 0, result.stderr
    assert {rule["code"]: rule["limit"] for rule in json.loads(result.stdout)["rules"]} == {"H1": 5, "K1": 99}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[rules.G1]\nlimit = nan\n", "rules.G1.limit should be a number that can be calculated with, but is nan"),
        ("[rules.G1]\nlimit = inf\n", "but is inf"),
        ('[[model]]\nname = ""\ntarget = "net.py"\n', "model 1: its name is empty"),
        ('[[model]]\nname = "net"\ntarget = " "\n', "model 1: its target is empty"),
        ("batch = 0x1" + "0" * 5000, "batch should be a number that can be calculated with"),
    ],
)
def test_values_that_make_no_sense_are_told(repository: Path, text: str, sentence: str) -> None:
    (repository / "mac-audit.toml").write_text(text, encoding="utf-8")
    result = run("zoo:resnet18")
    assert result.exit_code == 2
    assert sentence in result.stderr

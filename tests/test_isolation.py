"""The audited model runs apart: what is left of it, who imports torch, what it may reach, and interrupts."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mac_audit import closed_network, isolation, keeper
from mac_audit.cli import main
from mac_audit.errors import MacAuditError
from mac_audit.isolation import Limits
from mac_audit.request import Request

HEAD = "import os\nimport socket\nimport subprocess\nimport sys\nimport time\n\nfrom torch import nn\n\n\n"
NET = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        {body}
        return self.conv(x)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(body: str, name: str = "net_apart.py") -> str:
    Path(name).write_text(HEAD + NET.format(body=body))
    return name


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--input", "1,8,4,4"])


def comes(what: Callable[[], Any]) -> Any:
    """What ``what`` gives as soon as it gives something; a minute is for machines that do much else."""
    for _ in range(600):
        if found := what():
            return found
        time.sleep(0.1)
    raise AssertionError("it never came")


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def test_this_process_neither_runs_the_model_nor_imports_torch(folder: Path) -> None:
    """Of a single model, of several, of a sweep and of a trace."""
    model = write("open('processes', 'a').write(f'{os.getpid()} ')")
    program = """
import os, sys
from mac_audit.cli import main
for more in ([], ["other.py"], ["--sweep", "batch=1,2"], ["trace"]):
    line = ["trace", sys.argv[1]] if more == ["trace"] else [sys.argv[1], *more, "-o", "json"]
    try:
        main([*line, "--input", "1,8,4,4"], standalone_mode=False)
    except SystemExit as status:
        assert status.code == 0, status
assert "torch" not in sys.modules
assert str(os.getpid()) not in open("processes").read().split()
"""
    write("pass", "other.py")
    done = subprocess.run([sys.executable, "-c", program, model], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(set((folder / "processes").read_text().split())) == 4  # the points of a sweep are of one process


def test_without_isolation_it_runs_here(folder: Path) -> None:
    model = write("sys.seen_by_test_isolation = os.getpid()")
    assert run(model, "--no-isolation").exit_code == 0
    assert sys.seen_by_test_isolation == os.getpid()  # type: ignore[attr-defined]


@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_nothing_behind(folder: Path, number: signal.Signals, several: bool) -> None:
    model = write(
        "child = subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        "        open('started.new', 'w').write(f'{os.getpid()} {child.pid}')\n"
        "        os.rename('started.new', 'started')\n"
        "        time.sleep(1000)"
    )
    more = [write("pass", "other.py"), "-j", "2"] if several else []
    command = [sys.executable, "-m", "mac_audit", "check", model, *more, "--input", "1,8,4,4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        started = comes(lambda: (folder / "started").exists() and (folder / "started").read_text().split())
        running.send_signal(number)
        _, told = running.communicate(timeout=60)
    assert running.returncode == (130 if number == signal.SIGINT else -number)
    assert told == (b"mac-audit: interrupted.\n" if number == signal.SIGINT else b"")
    for process in map(int, started):
        assert comes(lambda process=process: gone(process))


def test_what_a_model_starts_ends_with_it(folder: Path) -> None:
    """In a session of its own, and an orphan."""
    model = write(
        "orphan = subprocess.run('sleep 1000 >&- 2>&- & echo $!', shell=True, capture_output=True).stdout\n"
        "        child = subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        "        open('started', 'w').write(f'{int(orphan)} {child.pid}')"
    )
    assert run(model).exit_code == 0
    for process in map(int, (folder / "started").read_text().split()):
        assert comes(lambda process=process: gone(process))


def test_a_point_that_ends_the_process_ends_the_sweep(folder: Path) -> None:
    model = write("if x.shape[0] == 3: os._exit(5)")
    result = run(model, "--sweep", "batch=1,2,3,4", "-o", "json")
    assert result.exit_code == 2
    points = json.loads(result.stdout)["points"]
    assert [bool(point["totals"]) for point in points] == [True, True, False, False]
    assert all("with status 5" in point["error"] for point in points[2:])


def test_where_there_is_no_fork_the_report_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "AVAILABLE", False)
    monkeypatch.setattr(isolation, "FORKS", False)
    assert "cannot fork" in " ".join(json.loads(run(write("pass"), "-o", "json").stdout)["notes"])


def test_what_a_model_prints_here_is_no_result_either(folder: Path) -> None:
    """Of any command that runs one; diff and compare had no care of their own."""
    models = [write("print('said')"), write("print('said'); os.system('echo said')", "other.py")]
    for command in ("diff", "compare"):
        line = [
            sys.executable,
            "-m",
            "mac_audit",
            command,
            *models,
            "--input",
            "1,8,4,4",
            "--no-isolation",
            "-o",
            "json",
        ]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        json.loads(done.stdout)
        assert "said" in done.stderr


def test_a_trace_of_what_dies_writes_nothing(folder: Path) -> None:
    result = run("trace", write("os.abort()"), "-o", "net.json")
    assert result.exit_code == 2
    assert "was killed (SIGABRT)" in result.stderr
    assert not (folder / "net.json").exists()


def test_a_server_that_another_thread_closed_is_as_one_that_was_killed() -> None:
    server = isolation._Server(with_torch=False)
    server.close()
    with server.send(b"") as link, pytest.raises(EOFError):
        link.recv_bytes()


def test_traceback_of_the_other_process(folder: Path) -> None:
    result = run(write(r"raise ValueError('over there\n::error::no\x1b[2J')"), "--traceback")
    assert "ValueError: over there" in result.stderr
    assert "\x1b" not in result.stderr
    assert "\n::error" not in result.stderr
    assert "in forward" in result.stderr


def test_limits_of_the_configuration(folder: Path) -> None:
    model = write("time.sleep(1000)")
    (folder / "mac-audit.toml").write_text(f'timeout = 0.5\n[[model]]\nname = "slow"\ntarget = "{model}"\n')
    result = run("slow")
    assert result.exit_code == 2
    assert "took longer than 0.5 s" in result.stderr


@pytest.mark.parametrize(
    ("everywhere", "of_the_model", "line", "note"),
    [
        ("timeout = 0", "", [], "no time limit: timeout = 0 in mac-audit.toml."),
        ("", "timeout = 0", [], "no time limit: timeout = 0 in mac-audit.toml."),
        ("timeout = 3000", "", [], "a time limit of 3000 s, not 600: timeout in mac-audit.toml."),
        ("timeout = 0", "timeout = 300", [], ""),
        ("", "", [], ""),
        ("", "", ["--timeout", "0"], ""),
        ("timeout = 0", "", ["--timeout", "0"], ""),
    ],
)
def test_a_time_limit_that_the_configuration_lifts_is_told(
    folder: Path, everywhere: str, of_the_model: str, line: list[str], note: str
) -> None:
    table = f'[[model]]\nname = "slow"\ntarget = "{write("pass")}"'
    (folder / "mac-audit.toml").write_text(f"{everywhere}\n{table}\n{of_the_model}\n")
    result = run("slow", *line, "-o", "json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["notes"] == ([note] if note else [])


def test_a_daemon_does_not_stay(folder: Path) -> None:
    """It leaves its session and its parent, and is found by its parents in whatever way the kernel tells them."""
    model = write(
        "if os.fork() == 0:\n"
        "            os.setsid()\n"
        "            if os.fork() == 0:\n"
        "                open('started.new', 'w').write(str(os.getpid()))\n"
        "                os.rename('started.new', 'started')\n"
        "                time.sleep(1000)\n"
        "            os._exit(0)\n"
        "        while not os.path.exists('started'):\n"
        "            time.sleep(0.01)"
    )
    assert run(model).exit_code == 0
    daemon = int((folder / "started").read_text())
    assert comes(lambda: gone(daemon))


def test_children_by_their_word_are_those_that_the_kernel_lists() -> None:
    with subprocess.Popen(["sleep", "1000"]) as child:
        assert child.pid in keeper._by_parent()[os.getpid()]
        assert os.getpid() in keeper._by_parent()[os.getppid()]
        child.kill()


@pytest.mark.parametrize("memory", ["4", "2 s", "much", "0 MB", "-1 GB"])
def test_a_limit_that_is_none_is_told(memory: str) -> None:
    with pytest.raises(MacAuditError, match="memory"):
        Limits.of(Request("net.py", memory=memory))
    with pytest.raises(MacAuditError, match="timeout"):
        Limits.of(Request("net.py", timeout=float("nan")))


def test_memory_that_cannot_be_watched_is_no_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_STATUS", folder / "stat")
    with pytest.raises(MacAuditError, match="cannot be watched"):
        Limits.of(Request("net.py", memory="1 GB"))


def test_the_network_is_there_for_who_asks(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        model = write(f"assert 'HF_HUB_OFFLINE' not in os.environ; socket.create_connection({address})")
        assert run(model, "--network").exit_code == 0
    closed = run(write("assert os.environ['HF_HUB_OFFLINE'] == '1'; socket.create_connection(('192.0.2.1', 80))"))
    assert closed_network.CLOSED in closed.stderr


@pytest.mark.parametrize(
    ("event", "arguments", "refused"),
    [
        ("socket.connect", (None, ("192.0.2.1", 80)), True),
        ("socket.connect", (None, ("2001:db8::1", 80, 0, 0)), True),
        ("socket.connect", (None, ("127.0.0.1", 80)), False),
        ("socket.connect", (None, "/tmp/socket"), False),
        ("socket.sendto", (None, ("192.0.2.1", 53)), True),
        ("socket.sendmsg", (None, None), False),
        ("socket.getaddrinfo", ("example.org", 80, 0, 0, 0), True),
        ("socket.getaddrinfo", ("127.example.org", 80, 0, 0, 0), True),
        ("socket.getaddrinfo", (b"example.org", 80, 0, 0, 0), True),
        ("socket.getaddrinfo", ("localhost", 80, 0, 0, 0), False),
        ("socket.getaddrinfo", (None, 80, 0, 0, 0), False),
        ("socket.gethostbyname", ("example.org",), True),
        ("open", ("example.org", "r", 0), False),
    ],
)
def test_what_python_is_refused_where_the_system_permits_no_network_of_its_own(
    event: str, arguments: tuple[Any, ...], refused: bool
) -> None:
    with pytest.raises(OSError, match=closed_network.CLOSED) if refused else contextlib.nullcontext():
        closed_network._refuse(event, arguments)

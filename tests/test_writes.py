"""Writes: a process killed in the middle leaves the old file or the new one; runs at the same time lose nothing."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mac_audit import baseline
from mac_audit.errors import MacAuditError
from mac_audit.files import write_whole
from mac_audit.measuring.store import Timings

SIZE = 40_000_000


def started(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


# --- files -----------------------------------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from mac_audit.files import write_whole
while True:
    for letter in "ab":
        write_whole(Path(sys.argv[1]), letter * int(sys.argv[2]))
"""


def test_a_process_killed_while_it_writes_leaves_a_whole_file(tmp_path: Path) -> None:
    """Killed five times, each time when the new file is there in part."""
    file = tmp_path / "report.json"
    write_whole(file, "c" * SIZE)
    for _ in range(5):
        process = started(WRITER, file, SIZE)
        deadline = time.monotonic() + 60
        while not any(0 < size < SIZE for size in partial(tmp_path)):
            assert time.monotonic() < deadline, "it never wrote"
        process.kill()
        process.communicate()
        content = file.read_text()
        assert len(content) == SIZE
        assert len(set(content)) == 1
        for left in tmp_path.glob(".report.json.*"):
            left.unlink()


def partial(folder: Path) -> list[int]:
    """How much is written of the files that are to take the place of others."""
    sizes = []
    for path in folder.glob(".report.json.*"):
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:  # it has taken its place
            continue
    return sizes


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "report.json"
    write_whole(file, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MacAuditError, match="No space left on device"):
        write_whole(file, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert file.read_text() == "old"


def test_links_and_modes_stay(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    file, link = tmp_path / "there" / "report.json", tmp_path / "link.json"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    write_whole(link, "new")
    assert link.is_symlink()
    assert file.read_text() == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_new_file_is_readable_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "by-hand").write_text("")
    write_whole(tmp_path / "ours", "half a pair: \ud800")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "by-hand").stat().st_mode
    assert (tmp_path / "ours").read_text(encoding="utf-8") == "half a pair: \\ud800"


@pytest.mark.parametrize(("name", "mode"), [("/dev/stdout", "ab"), ("/dev/fd/1", "wb"), ("/proc/self/fd/1", "ab")])
def test_standard_output_that_is_a_file_keeps_what_stands_there(tmp_path: Path, name: str, mode: str) -> None:
    """As a shell's ``>>`` opens it, and its ``>`` after others wrote; a link to it is no other file."""
    log, link = tmp_path / "all.log", tmp_path / "link"
    link.symlink_to(name)
    with log.open(mode) as opened:
        opened.write(b"before\n")
        opened.flush()
        code = "import sys, pathlib, mac_audit.files as f; f.write_whole(pathlib.Path(sys.argv[1]), 'ours\\n')"
        for given in (name, link):
            subprocess.run([sys.executable, "-c", code, given], stdout=opened, check=True)
        opened.write(b"after\n")
    assert log.read_text() == "before\nours\nours\nafter\n"


@pytest.mark.parametrize(
    "name", ["a\x00b.json", "x" * 300 + ".json", "no/folder/report.json", "a.json/b.json", "/dev/fd/99999999999"]
)
def test_a_name_that_no_file_can_have_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.json").touch()
    with pytest.raises(MacAuditError, match="cannot be written"):
        write_whole(Path(name), "text")


# --- a baseline ------------------------------------------------------------------------------------------------------

KEEPER = """
import sys
from mac_audit.baseline import Baseline, Entry, update
for number in range(int(sys.argv[3])):
    name = f"{sys.argv[2]}-{number}"
    entry = Entry("G1", "layer", name, 1.0, 10)
    update(sys.argv[1], lambda now: Baseline({**now.models, name: (entry,)}))
"""


def test_runs_that_write_one_baseline_keep_what_the_others_wrote(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    processes = [started(KEEPER, file, writer, 25) for writer in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    kept = baseline.load(str(file)).models
    assert kept.keys() == {f"{writer}-{number}" for writer in range(4) for number in range(25)}
    assert [path.name for path in tmp_path.iterdir()] == ["kept.json"]


def test_a_run_that_was_killed_keeps_no_other_waiting(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    endless = started(KEEPER, file, "killed", 10**9)
    while not file.exists():
        time.sleep(0.01)
    endless.kill()
    endless.communicate()
    assert started(KEEPER, file, "after", 2).wait() == 0
    assert {"killed-0", "after-0", "after-1"} <= baseline.load(str(file)).models.keys()


# --- the store of times ----------------------------------------------------------------------------------------------

TIMER = """
import sys
from pathlib import Path
from mac_audit.measuring.store import Timings
for number in range(int(sys.argv[3])):
    store = Timings("mine", "2.13", Path(sys.argv[1]))
    store.add([(f"{sys.argv[2]}-{number}-{part}", "an operator", 1.5, 0.1) for part in range(20)])
    store.close()
    print(number, flush=True)
"""


def test_runs_that_keep_times_at_once_lose_none(tmp_path: Path) -> None:
    file = tmp_path / "times.sqlite"
    processes = [started(TIMER, file, writer, 20) for writer in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    signatures = [f"{w}-{number}-{part}" for w in range(4) for number in range(20) for part in range(20)]
    assert Timings("mine", "2.13", file).get(signatures).keys() == set(signatures)


def test_a_process_killed_while_it_keeps_times_leaves_the_whole_store(tmp_path: Path) -> None:
    """What it had said was kept is there, and of what it was keeping all or nothing."""
    file = tmp_path / "times.sqlite"
    for round_ in range(3):
        process = started(TIMER, file, round_, 10**9)
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(5 + 3 * round_)]
        process.send_signal(signal.SIGKILL)
        said += process.communicate()[0].splitlines()
        store = Timings("mine", "2.13", file)
        for number in map(int, said):
            assert len(store.get([f"{round_}-{number}-{part}" for part in range(20)])) == 20
        half = store.get([f"{round_}-{len(said)}-{part}" for part in range(20)])
        assert len(half) in (0, 20)
        store.close()
        with sqlite3.connect(file) as database:
            assert database.execute("pragma integrity_check").fetchone() == ("ok",)


def damaged(file: Path, content: bytes) -> bytes:
    store = Timings("mine", "2.13", file)
    store.add([(f"{number}", "an operator", 1.5, 0.1) for number in range(500)])
    store.close()
    whole = file.read_bytes()
    broken = content or whole[: len(whole) // 2]
    file.write_bytes(broken)
    return broken


@pytest.mark.parametrize("content", [b"no database" * 500, b"\x80\x04pickle", b""], ids=["text", "pickle", "half"])
def test_a_damaged_store_is_told_and_put_aside(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "times.sqlite"
    broken = damaged(file, content)
    with pytest.raises(MacAuditError, match=r"is damaged .*; it was put aside as times.sqlite.damaged-"):
        Timings("mine", "2.13", file).get([f"{number}" for number in range(500)])
    (aside,) = tmp_path.glob("*.damaged-*")
    assert aside.read_bytes() == broken
    store = Timings("mine", "2.13", file)
    store.add([("a", "an operator", 1.5, 0.1)])
    assert store.get(["a"]) == {"a": (1.5, 0.1)}


@pytest.mark.parametrize("seconds", ["'long'", "-1.0", "9e999", "null"])
def test_a_time_that_is_none_is_damage(tmp_path: Path, seconds: str) -> None:
    file = tmp_path / "times.sqlite"
    Timings("mine", "2.13", file).close()
    with sqlite3.connect(file) as database:
        database.execute(f"insert into timings values ('mine', '2.13', 'a', '', {seconds}, 0.1)")
    database.close()
    with pytest.raises(MacAuditError, match="is damaged"):
        Timings("mine", "2.13", file).get(["a"])


def test_a_store_that_is_none_of_ours_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "times.sqlite"
    with sqlite3.connect(file) as database:
        database.execute("pragma user_version = 7")
    database.close()
    before = file.read_bytes()
    with pytest.raises(MacAuditError, match="has version 7, but this mac-audit keeps times in version 1"):
        Timings("mine", "2.13", file)
    assert file.read_bytes() == before
    (tmp_path / "folder").mkdir()
    with pytest.raises(MacAuditError, match="is no file"):
        Timings("mine", "2.13", tmp_path / "folder")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(MacAuditError, match="is no file"):
        Timings("mine", "2.13", tmp_path / "pipe")
    with pytest.raises(MacAuditError, match="cannot be kept"):
        Timings("mine", "2.13", file / "below")


def test_a_store_that_another_run_holds_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mac_audit.measuring.store.WAIT", 0.05)
    file = tmp_path / "times.sqlite"
    store = Timings("mine", "2.13", file)
    with sqlite3.connect(file) as other:
        other.execute("begin immediate")
        with pytest.raises(MacAuditError, match="database is locked"):
            store.add([("a", "an operator", 1.5, 0.1)])
        other.rollback()
        store.add([("a", "an operator", 1.5, 0.1)])
    assert store.get(["a"]) == {"a": (1.5, 0.1)}

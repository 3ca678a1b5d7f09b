"""Put real output into the documentation.

Every command in a ``console`` block is run, as in a pipe 80 columns wide on a machine that measured nothing: in the
root of the repository or, on a page that tells its reader to write files, in a folder with these and nothing else, in
which the page is followed from its top. What stands behind a line ``…`` is left out. Every rule has its page under
docs/rules/, written from its docstring. ``python docs/refresh.py`` rewrites the pages, those that are named or all; the
tests check that nothing would change.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from blocks import COMMAND, CUT, FENCE, Block, block, shell_commands, words
from running import Commands, Done, install

from mac_audit import page
from mac_audit.rule import Rule, discover

ROOT = Path(__file__).parent.parent


def pages() -> list[Path]:
    """The pages that people read."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def refreshed(text: str, commands: Commands) -> str:
    """``text`` with the output of each command as it is now."""
    with tempfile.TemporaryDirectory() as own:
        folder = ROOT
        if any("file" in block(match).keys for match in FENCE.finditer(text)):
            folder = Path(own)

        def renewed(fence: re.Match[str]) -> str:
            found = block(fence)
            if found.language == "console":
                body = COMMAND.sub(lambda command: _run(command, folder, commands), found.body)
                return f"```{fence['info']}\n{body}```"
            if folder != ROOT:
                _do(found, folder, commands)
            return fence[0]

        return FENCE.sub(renewed, text)


def _do(found: Block, folder: Path, commands: Commands) -> None:
    """What a reader of the page does where nothing is shown for it: files written, commands without output."""
    if name := found.keys.get("file"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(found.body, encoding="utf-8")
    elif found.language == "sh":
        for name, *arguments in shell_commands(found.body):
            if name == "mac-audit":
                _succeeded(commands.run(arguments, folder), name, *arguments)
            elif [name, *arguments] == ["pip", "install", "."]:
                install(folder)


def _run(command: re.Match[str], folder: Path, commands: Commands) -> str:
    name, *arguments = words(command["command"])
    if name != "mac-audit":
        raise SystemExit(f"Only mac-audit is run in a console block, not {name}.")
    done = _succeeded(commands.run(arguments, folder), name, *arguments)
    output = done.stdout + done.stderr
    if command["output"].endswith(f"{CUT}\n"):
        shown = command["output"].count("\n") - 1
        output = "".join(output.splitlines(keepends=True)[:shown]) + f"{CUT}\n"
    return f"$ {command['command']}\n{output}"


def _succeeded(done: Done, *command: str) -> Done:
    if done.status not in (0, 1):
        raise SystemExit(f"{' '.join(command)} does not work: {done.stderr}")
    return done


def rule_pages() -> dict[Path, str]:
    """The page of each rule of this project, with what it says."""
    rules = [rule for rule in discover() if rule.check.__module__.startswith("mac_audit.rules.")]
    return {ROOT / "docs" / "rules" / f"{rule.code}.md": page.markdown(rule) + _behind(rule) for rule in rules}


def _behind(rule: Rule) -> str:
    """What a reader of a rule's page asks next."""
    return (
        f"\n---\n\nOptions stand in the [configuration](../ci.md#configuration), under `[rules.{rule.code}]`. A finding"
        " that you\ndecide to live with is [suppressed](../ci.md#suppressing-a-finding). [All pages](../README.md)\n"
    )


def main(names: list[str]) -> None:
    for path, text in rule_pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with Commands() as commands:
        for path in map(Path, names) if names else pages():
            path.write_text(refreshed(path.read_text(encoding="utf-8"), commands), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

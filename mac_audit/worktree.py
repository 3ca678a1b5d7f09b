"""The working directory as it was at a git revision, for as long as it is needed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mac_audit.errors import MacAuditError


@dataclass(frozen=True, slots=True)
class Worktree:
    """``root`` is the repository at the revision, ``here`` the working directory in it, ``repository`` today's."""

    root: Path
    here: Path
    repository: Path


@contextlib.contextmanager
def checked_out(revision: str) -> Iterator[Worktree]:
    """A temporary worktree of ``revision``; the repository's own files and index are left alone.

    Raises ``MacAuditError`` outside a repository, for an unknown revision, and where the working directory did not
    exist then.
    """
    repository = Path(_git("rev-parse", "--show-toplevel"))
    # Resolved first, so that a revision that looks like an option is never read as one.
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", about=revision)
    with tempfile.TemporaryDirectory(prefix="mac-audit-") as folder:
        root = Path(folder).resolve() / "at"
        _git("worktree", "add", "--detach", "--quiet", str(root), commit)
        try:
            here = root / _git("rev-parse", "--show-prefix")
            if not here.is_dir():
                raise MacAuditError(f"There is no folder {here.relative_to(root)} at {revision}; run it further up.")
            yield Worktree(root, here, repository)
        finally:
            _git("worktree", "remove", "--force", str(root))


def _git(*arguments: str, about: str = "") -> str:
    """What git prints; the repository's hooks stay out of it."""
    try:
        done = subprocess.run(
            ["git", "-c", f"core.hooksPath={os.devnull}", *arguments], capture_output=True, text=True, check=False
        )
    except OSError:
        raise MacAuditError("There is no git here, which --git needs; install it, or compare saved reports.") from None
    if done.returncode and about:
        raise MacAuditError(f"There is no git revision {about!r} here; in CI, fetch it first (fetch-depth: 0).")
    if done.returncode:
        told = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
        raise MacAuditError(f"git {arguments[0]} did not work ({told}); --git needs a repository.")
    return done.stdout.strip()

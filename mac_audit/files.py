"""Writing files whole."""

from __future__ import annotations

import os
from pathlib import Path

from mac_audit.errors import MacAuditError


def write_whole(path: Path, text: str) -> None:
    """Replace ``path`` as a whole, so that an interrupted run leaves the old file."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise MacAuditError(f"{path} cannot be written: {error.strerror}; give another file.") from error

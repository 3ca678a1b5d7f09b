"""Writing files whole."""

from __future__ import annotations

import os
from pathlib import Path

from mac_audit.errors import MacAuditError


def write_whole(path: Path, text: str) -> None:
    """Replace ``path`` as a whole, so that an interrupted run leaves the old file.

    A link stays one; what is no file, such as ``/dev/stdout`` or a pipe, is written to.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8", newline="")
            return
        whole = path.resolve()
        temporary = whole.with_name(f".{whole.name}.{os.getpid()}")
        temporary.write_text(text, encoding="utf-8", newline="")
        temporary.replace(whole)
    except OSError as error:
        raise MacAuditError(f"{path} cannot be written: {error.strerror}; give another file.") from error

"""``model.pt``, ``model.ts``: a module that TorchScript saved. Give its inputs with ``--input``.

Such a file is code of TorchScript, which runs no Python: its constants are read by torch's own reader, which knows
tensors, numbers, strings and containers. Its operators can read and write files (``aten::from_file``, ``aten::save``).
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mac_audit.errors import MacAuditError
from mac_audit.targets import Built

SUFFIXES = (".pt", ".pth", ".ts", ".torchscript")


def build(name: str, arguments: Mapping[str, Any], target: str) -> Built:
    """The scripted or traced module."""
    path = Path(name)
    if not path.is_file():
        raise MacAuditError(f"There is no file {name}; give the path of a module that torch.jit.save wrote.")
    if arguments:
        raise MacAuditError(f"{target} is a model already, so --arg has nothing to act on.")
    if not _is_script(path):
        raise MacAuditError(
            f"{name} holds no TorchScript module; weights alone do not say what is computed: name the Python file that"
            " builds the model."
        )
    try:
        model = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
        return Built(model, construction="parameters of the file")
    except Exception as error:
        text = " ".join(str(error).split()).rstrip(".")
        raise MacAuditError(
            f"{name} is no module that this torch ({torch.__version__}) reads: {text}; save it again."
        ) from error


def _is_script(path: Path) -> bool:
    """Whether an archive holds code and constants, which pickled weights do not."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(entry.endswith("/constants.pkl") for entry in archive.namelist())

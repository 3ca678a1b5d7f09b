"""``python -m tests.fuzz READER [libFuzzer options]``: fuzz one reader, guided by coverage."""

from __future__ import annotations

import importlib
import pkgutil
import random
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mac_audit"], enable_loader_override=False):
    import mac_audit
    from tests.fuzz.mutate import mutated
    from tests.fuzz.readers import READERS, refused

    for part in pkgutil.walk_packages(mac_audit.__path__, "mac_audit."):  # also what is imported when it is needed
        if not part.name.endswith("__main__"):
            importlib.import_module(part.name)

HERE = Path(__file__).parent


def _change(data: bytes, largest: int, seed: int) -> bytes:
    choice = random.Random(seed)
    changed = mutated(data, choice) if choice.random() < 0.8 else None
    return (changed or atheris.Mutate(data, largest))[:largest]


def main() -> None:
    """Fuzz until it is stopped; new inputs that reach new code go to a folder beside the corpus."""
    if len(sys.argv) < 2 or sys.argv[1] not in READERS:
        sys.exit(f"usage: python -m tests.fuzz READER [options of libFuzzer]; readers: {', '.join(READERS)}")
    name, options = sys.argv[1], sys.argv[2:]
    found, kept = HERE / "found" / name, HERE / "corpus" / name
    found.mkdir(parents=True, exist_ok=True)
    arguments = ["fuzz", "-max_len=100000", f"-artifact_prefix={found}/fault-", *options, str(found), str(kept)]
    guided = {"custom_mutator": _change} if name in ("trace", "report", "baseline", "config", "device") else {}
    atheris.Setup(arguments, lambda data: refused(READERS[name], data) and None, **guided)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

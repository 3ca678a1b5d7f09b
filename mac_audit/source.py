"""Which line of the user's code did it: for operators, for layers, for errors.

A line *of the user's* is one outside torch and the Python library. Of several, the innermost that stands in a
method of a module is meant: not the helper that happens to call ``F.conv2d`` or ``nn.Conv2d``, but the line of
``forward`` or ``__init__`` that chose to call the helper. Without any, it is the innermost line.
"""

from __future__ import annotations

import itertools
import linecache
import os
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, NamedTuple, TypeVar

import torch
from torch import nn

from mac_audit.network import Source

_ATTRIBUTE = "_mac_audit_sources"
_PACKAGE = Path(__file__).parent
_MODELS = tuple(f"{_PACKAGE / name}{os.sep}" for name in ("zoo", "experiments"))  # models like anybody's
_INFRASTRUCTURE = (f"{Path(torch.__file__).parent}{os.sep}", f"{_PACKAGE}{os.sep}", "<frozen")
_STDLIB = tuple(f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "platstdlib"))
_SITE = tuple(f"{sysconfig.get_path(name)}{os.sep}" for name in ("purelib", "platlib"))
_COMPREHENSIONS = ("<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>")
_LONGEST = 1000  # characters of a line that are kept; a longer one was made by a program
_users: dict[CodeType, bool] = {}
_columns: dict[tuple[CodeType, int], tuple[int | None, int | None]] = {}
_boundaries: set[CodeType] = set()
F = TypeVar("F", bound=Callable[..., Any])


def boundary(function: F) -> F:
    """Mark a function of ours that runs the user's code: who called it is not asked any more."""
    _boundaries.add(function.__code__)
    return function


class Caller(NamedTuple):
    """A line of the user's code, and the module in whose method it stands."""

    source: Source
    module: nn.Module | None


def caller(frame: FrameType | None) -> Caller | None:
    """The line of the user's code that is meant by a call that led to ``frame``."""
    innermost = None
    for found in _walk(frame):
        if found.module is not None:
            return found
        innermost = innermost or found
    return innermost


def callers(frame: FrameType | None, constructing: nn.Module) -> list[Caller]:
    """The lines of the user's code that constructed a module, the one that is meant first, then outwards.

    ``constructing`` is that module, whose constructor is running: its frames do not count, nor do those inside them.
    """
    found: list[Caller] = []
    for line in _walk(frame):
        if line.module is constructing:
            found.clear()
        else:
            found.append(line)
    meant = next((place for place, line in enumerate(found) if line.module is not None), 0)
    return found[meant:]


def _walk(frame: FrameType | None) -> Iterator[Caller]:
    """The lines of the user's code that led to ``frame``, the innermost first."""
    within: tuple[str, FrameType] | None = None  # a comprehension: the function around it, and its frame
    while frame is not None and (code := frame.f_code) not in _boundaries:
        known = _users.get(code)
        if code.co_name in _COMPREHENSIONS:
            within = code.co_qualname.rpartition(".<locals>.")[0], frame
        elif known or (known is None and _is_users(code)):
            owner = _self(frame)
            meant = within[1] if within is not None and within[0] == code.co_qualname else frame
            source = Source(code.co_filename, meant.f_lineno, *_span(meant))
            yield Caller(source, owner if isinstance(owner, nn.Module) else None)
            within = None
        frame = frame.f_back


def _span(frame: FrameType) -> tuple[int | None, int | None]:
    """First column and the one after the last of the expression that ``frame`` evaluates, as ``Source`` has them."""
    key = frame.f_code, frame.f_lasti
    if key not in _columns:  # positions are kept compressed
        positions = itertools.islice(frame.f_code.co_positions(), frame.f_lasti // 2, None)
        line, last, column, end = next(positions, (None, None, None, None))
        _columns[key] = (column, end if last == line else None) if line == frame.f_lineno else (None, None)
    return _columns[key]


def texts(sources: Iterable[Source]) -> dict[str, str]:
    """The lines of code themselves, by ``file:line``; a line that cannot be read is left out."""
    by_file: dict[str, set[int]] = {}
    for source in sources:
        by_file.setdefault(source.file, set()).add(source.line)
    found: dict[str, str] = {}
    for file, numbers in by_file.items():
        if file in linecache.cache or os.path.isfile(file):  # a cell of a notebook is in the cache alone
            linecache.checkcache(file)
            lines = linecache.getlines(file)
            texts = ((number, lines[number - 1]) for number in sorted(numbers) if 0 < number <= len(lines))
            found.update((f"{file}:{number}", text.rstrip()[:_LONGEST]) for number, text in texts)
    return found


def raising_line(traceback: TracebackType | None) -> Source | None:
    """The innermost line of the user's code in a traceback."""
    return next(iter(_lines(traceback)[-1:]), None)


def raised_at(traceback: TracebackType | None) -> str:
    """`` at net.py:7``, or where that is an installed library's, `` at lib.py:163, called at net.py:7``; or nothing."""
    lines = _lines(traceback)
    if not lines:
        return ""
    own = [line for line in lines if not line.file.startswith(_SITE)]
    called = f", called at {own[-1]}" if own and own[-1] != lines[-1] else ""
    return f" at {lines[-1]}{called}"


@contextmanager
def constructions_recorded() -> Iterator[None]:
    """While open, every module that is constructed remembers the lines that did it; copies remember them too."""
    original = nn.Module.__init__

    def recording(module: nn.Module, *args: Any, **kwargs: Any) -> None:
        lines = callers(sys._getframe(1), constructing=module)
        module.__dict__[_ATTRIBUTE] = tuple(line.source for line in lines)
        original(module, *args, **kwargs)

    nn.Module.__init__ = recording  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        nn.Module.__init__ = original  # type: ignore[method-assign]


def construction_lines(module: nn.Module) -> tuple[Source, ...]:
    """The lines that constructed ``module``, the one that is meant first; none where that was not recorded."""
    lines: tuple[Source, ...] = module.__dict__.get(_ATTRIBUTE, ())
    return lines


def _lines(traceback: TracebackType | None) -> list[Source]:
    """The lines of the user's code in a traceback, the innermost last."""
    found = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if _is_users(code):
            found.append(Source(code.co_filename, traceback.tb_lineno))
        traceback = traceback.tb_next
    return found


def _is_users(code: CodeType) -> bool:
    file = code.co_filename
    library = file.startswith(_STDLIB) and not file.startswith(_SITE)
    known = _users[code] = file.startswith(_MODELS) or not (library or file.startswith(_INFRASTRUCTURE))
    return known


def _self(frame: FrameType) -> Any:
    """The object whose method runs in ``frame``; None for a function that stands in no class."""
    code = frame.f_code
    around = code.co_qualname.rpartition(".")[0]
    is_method = bool(around) and not around.endswith("<locals>")
    return frame.f_locals.get(code.co_varnames[0]) if is_method and code.co_argcount else None

"""The models of a repository, found by reading its code and never running it.

A model is what a file has by convention (``model``, ``build_model``, ``get_model``), or else a subclass of
``nn.Module`` that no other one constructs: those that are constructed are its parts.
"""

from __future__ import annotations

import ast
import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

CONVENTIONS = ("model", "build_model", "get_model")
_NOT_SEARCHED = ("tests", "test", "build", "dist", "node_modules", "site-packages", "venv", "env")
_FIRST = {  # the first layer of a class → the input that it takes; {} is its first argument
    "Conv1d": "1,{},16000",
    "Conv2d": "1,{},224,224",
    "Conv3d": "1,{},16,112,112",
    "Linear": "1,{}",
    "Embedding": "1,128:int64",
}
_HOLD = ("Sequential", "ModuleList", "ModuleDict")  # layers, and are none


@dataclass(frozen=True, slots=True)
class Found:
    """A model: its target, the arguments that its constructor needs, and its input with what it was guessed from.

    ``inputs`` is empty where nothing suggests one, or where the file has ``example_inputs`` (``has_inputs``).
    """

    name: str
    target: str
    arguments: tuple[str, ...] = ()
    inputs: str = ""
    guessed_from: str = ""
    has_inputs: bool = False


def models(folder: Path) -> list[Found]:
    """Those in the Python files under ``folder``, in the order of files and lines."""
    trees = {path: tree for path in _files(folder) if (tree := _parsed(folder / path)) is not None}
    classes = {path: _modules(tree, trees.values()) for path, tree in trees.items()}
    every = [node for found in classes.values() for node in found]
    parts = {name for node in every for name in _mentioned(node) if name != node.name}
    parts |= {name for tree in trees.values() for name in _handed_on(tree)}
    parts |= {base for node in every for base in map(_last, node.bases)}
    found = []
    for path, tree in trees.items():
        target = _target(path, tree)
        if by_convention := _by_convention(tree):
            found.append(_found(tree, target if target.endswith(".py") else f"{target}:{by_convention}", path.stem))
        else:
            roots = [node for node in classes[path] if node.name not in parts]
            found += [_found(tree, f"{target}:{node.name}", node.name.lower(), node) for node in roots]
    return [_renamed(model, i, found) for i, model in enumerate(found)]


def _files(folder: Path) -> list[Path]:
    """Python files, those that git ignores and those of tests left out."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.py"]
    try:
        listed = subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout
        paths = [Path(os.fsdecode(name)) for name in listed.split(b"\0") if name]
    except (OSError, subprocess.CalledProcessError):  # no repository, or no git
        paths = [path.relative_to(folder) for path in folder.rglob("*.py")]
    return sorted(path for path in paths if (folder / path).is_file() and _is_searched(path))


def _is_searched(path: Path) -> bool:
    hidden = any(part.startswith(".") or part in _NOT_SEARCHED for part in path.parent.parts)
    return not hidden and not path.name.startswith(("test_", "conftest", "setup"))


def _parsed(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        return None


def _modules(tree: ast.Module, trees: Iterable[ast.Module]) -> list[ast.ClassDef]:
    """Top-level classes that derive from ``nn.Module``, also through others of the repository."""
    everywhere = [node for other in trees for node in other.body if isinstance(node, ast.ClassDef)]
    known = {"Module"}
    while fresh := {node.name for node in everywhere if known & set(map(_last, node.bases))} - known:
        known |= fresh
    return [node for node in tree.body if isinstance(node, ast.ClassDef) and known & set(map(_last, node.bases))]


def _last(expression: ast.expr) -> str:
    """``nn.Module`` → ``Module``."""
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def _mentioned(node: ast.AST) -> set[str]:
    return {_last(inner) for inner in ast.walk(node) if isinstance(inner, ast.Name | ast.Attribute)}


def _handed_on(tree: ast.AST) -> set[str]:
    """What calls receive: ``Block`` in ``ResNet(Block)``, but not ``ResNet`` in ``partial(ResNet, depth=50)``."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _last(node.func) != "partial")
    return {_last(value) for call in calls for value in (*call.args, *(keyword.value for keyword in call.keywords))}


def _by_convention(tree: ast.Module) -> str:
    names = [name for node in tree.body for name in _defined(node)]
    return next((name for name in CONVENTIONS if name in names), "")


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _target(path: Path, tree: ast.Module) -> str:
    """The path, or the dotted name of a module that imports its neighbours by relative imports."""
    relative = any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))
    parts = path.with_suffix("").parts
    return ".".join(parts[1:] if parts[0] == "src" else parts) if relative else path.as_posix()


def _found(tree: ast.Module, target: str, name: str, node: ast.ClassDef | None = None) -> Found:
    arguments = _required(node) if node is not None else ()
    if any("example_inputs" in _defined(statement) for statement in tree.body):
        return Found(name, target, arguments, has_inputs=True)
    inputs, guessed_from = _guess(node if node is not None else tree)
    return Found(name, target, arguments, inputs, guessed_from)


def _required(node: ast.ClassDef) -> tuple[str, ...]:
    """The arguments of the constructor that have no default."""
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            given = statement.args
            positional = [*given.posonlyargs, *given.args][1:]
            missing = positional[: len(positional) - len(given.defaults)]
            missing += [arg for arg, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if not default]
            return tuple(arg.arg for arg in missing)
    return ()


def _guess(node: ast.AST) -> tuple[str, str]:
    """The input that the first layer that is constructed in ``node`` takes, and which layer that is."""
    calls = [call for call in ast.walk(node) if isinstance(call, ast.Call) and _last(call.func)[:1].isupper()]
    made = sorted((call.lineno, call.col_offset, i) for i, call in enumerate(calls) if _last(call.func) not in _HOLD)
    if made:
        call = calls[made[0][2]]
        kind, width = _last(call.func), call.args[0] if call.args else None
        if kind in _FIRST and isinstance(width, ast.Constant) and isinstance(width.value, int):
            return _FIRST[kind].format(width.value), f"{kind}({width.value}, …) in line {call.lineno}"
    return "", ""


def _renamed(model: Found, index: int, models: Sequence[Found]) -> Found:
    """With a number behind a name that another one before it has."""
    before = sum(other.name == model.name for other in models[:index])
    if not before:
        return model
    return replace(model, name=f"{model.name}-{before + 1}")

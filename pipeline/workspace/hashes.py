"""Hashes by which a run is known: of JSON values, and of the code that its results follow from."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_DATA = (".toml", ".css", ".html", ".svg")


def digest(*parts: Any) -> str:
    """Return a hash of JSON values, the same on every machine."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def code_version(*modules: str) -> str:
    """Return a hash of what modules do, with all modules of ours that they import, directly or not, and the data beside them.

    Comments, docstrings and layout do not count; so what is made from this hash stays fresh when they change, and when any
    module changes that these do not import.
    """
    root = Path(__file__).resolve().parents[2]
    found: dict[str, str] = {}
    todo = list(modules)
    while todo:
        name = todo.pop()
        path = _file_of(root, name)
        if name in found or path is None:
            continue
        code = module_code(path.read_bytes())
        found[name] = code.hash
        todo += [*code.imports, name.rpartition(".")[0]]
        if path.name == "__init__.py":
            found |= {str(p.relative_to(root)): hashlib.blake2b(p.read_bytes()).hexdigest() for p in _data_of(path.parent)}
    return digest(sorted(found.items()))[:16]


def _file_of(root: Path, module: str) -> Path | None:
    """Return the file of a module of ours, None for a name that is none."""
    top, *_ = parts = module.split(".")
    if top not in ("data_schemas", "model", "pipeline"):
        return None
    places = (root.joinpath(*parts, "__init__.py"), root.joinpath(*parts).with_suffix(".py"))
    return next((p for p in places if p.is_file()), None)


def _data_of(package: Path) -> Iterator[Path]:
    """Yield the files that a package reads, in it and in folders of it that are no packages."""
    for path in package.iterdir():
        if path.is_dir() and not (path / "__init__.py").exists():
            yield from (p for p in path.rglob("*") if p.suffix in _DATA)
        elif path.suffix in _DATA:
            yield path


@dataclass(frozen=True)
class ModuleCode:
    """What a file does.

    Attributes
    ----------
    hash : str
        Of its statements.
    imports : tuple of str
        Every dotted name that it may import, wherever in the file: ``from a.b import c`` names ``a.b`` and ``a.b.c``. Imports
        that only type checkers follow are none.
    """

    hash: str
    imports: tuple[str, ...]


@cache
def module_code(source: bytes) -> ModuleCode:
    """Return what a file does.

    Raises
    ------
    SyntaxError
        It is no Python.
    """
    tree = ast.parse(source)
    found = hashlib.blake2b(_written(tree).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return ModuleCode(found, tuple(dict.fromkeys(_imports(tree.body))))


def _written(value: Any) -> str:
    """Return a syntax tree as text, the same for every version of Python: what is empty is left out, for it may be new."""
    if isinstance(value, list):
        return f"[{','.join(_written(v) for v in value if not _is_docstring(v))}]"
    if not isinstance(value, ast.AST):
        return repr(value)
    parts = ((name, getattr(value, name, None)) for name in value._fields)
    return f"{type(value).__name__}({','.join(f'{name}={_written(v)}' for name, v in parts if v is not None and v != [])})"


def _is_docstring(node: Any) -> bool:
    """Tell whether a statement is text alone, which nobody reads but people."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _imports(body: list[Any]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif not (isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")):
            for part in ("body", "orelse", "finalbody", "handlers", "cases"):
                yield from _imports(getattr(node, part, []))

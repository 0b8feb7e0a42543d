"""The code of a module, apart from how it is written: a hash that comments, docstrings and layout do not change."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

__all__ = ["ModuleCode", "module_code"]


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

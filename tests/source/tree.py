"""The tree that the source rules look at: its files, and how a rule names a place in them."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TOP = Path(__file__).parents[2]
STRINGS = re.compile(r'("""|\'\'\')(?:.*?)\1', re.DOTALL)


@cache
def tracked() -> list[Path]:
    """Every file of the tree that git knows, or would know after ``git add``."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return sorted({TOP / name for name in listing.split("\0") if name and (TOP / name).is_file()})


def files(*folders: str, endings: tuple[str, ...]) -> list[Path]:
    """The tracked files under these folders whose name ends so."""
    ours = [path for path in tracked() if path.suffix in endings]
    return [path for path in ours if path.relative_to(TOP).parts[0] in folders]


def at(path: Path, line: int, message: str) -> str:
    """One finding, in the form that editors and terminals can follow."""
    return f"{path.relative_to(TOP)}:{line}: {message}"


def report(findings: list[str]) -> str:
    """What a failed rule prints."""
    return "\n".join(["", *findings])


def parsed(path: Path) -> ast.Module:
    """The syntax tree of a Python file or stub."""
    return ast.parse(path.read_text(), filename=str(path))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a syntax tree, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def without_strings(text: str) -> str:
    """The text of a Cython file with every triple-quoted string blanked, its lines kept."""
    return STRINGS.sub(lambda match: "\n" * match[0].count("\n"), text)


def module_name(path: Path) -> str:
    """``ext/tables/fdb.pyx`` and ``tunnel/tables/fdb.pxd`` are both ``tunnel.tables.fdb``."""
    parts = list(path.relative_to(TOP).with_suffix("").parts)
    parts[0] = "tunnel"
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

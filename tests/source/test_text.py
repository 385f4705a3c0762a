"""What the text of the tree may not contain, and what it must."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from tests.source.tree import at, files, parsed, report, tracked

# A character class in each, so that this file passes its own rule.
UNWANTED = {
    "a path of one machine": re.compile(r"[/]work/|[/]root/|[/]home/\w"),
    "a registry's host": re.compile(r"pypi[.]org|python[h]osted|npmjs[.]|deb[.]debian"),
    "a folder outside the tree": re.compile(r"\bshared[/]"),
    "a conflict of a merge": re.compile(r"^<{7} |^>{7} "),
    "code for one machine only": re.compile(r"-mar[c]h=native"),
}
Function = ast.FunctionDef | ast.AsyncFunctionDef
BINARY = {".png", ".jpg", ".pcap", ".pcapng", ".bin"}

# What a class inherits from its contract is described there.
VERBS = {"process", "tick", "punted", "counts", "opened", "closed", "recv", "send", "open", "close"}
CYTHON_PUBLIC = re.compile(r"^(?:cdef\s+)?class\s+[A-Za-z]|^(?:    )?def\s+[a-z]")


def test_nothing_unwanted():
    wrong = [
        at(path, number, what)
        for path in tracked()
        if path.suffix not in BINARY
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for what, pattern in UNWANTED.items()
        if pattern.search(line)
    ]
    assert not wrong, report(wrong)


def is_public(name: str) -> bool:
    return not name.startswith("_")


def is_accessor(function: Function) -> bool:
    """A setter or an overload: its first definition has the docstring."""
    return any(
        (isinstance(mark, ast.Attribute) and mark.attr in {"setter", "deleter"})
        or (isinstance(mark, ast.Name) and mark.id == "overload")
        for mark in function.decorator_list
    )


def lacks_docstring(node: ast.stmt) -> TypeGuard[Function]:
    return (
        isinstance(node, Function)
        and is_public(node.name)
        and not ast.get_docstring(node)
        and not is_accessor(node)
    )


def undocumented(body: list[ast.stmt], inherited: bool = False) -> Iterator[ast.ClassDef | Function]:
    for node in body:
        if isinstance(node, ast.ClassDef) and is_public(node.name):
            if not ast.get_docstring(node):
                yield node
            yield from undocumented(node.body, inherited=bool(node.bases))
        elif lacks_docstring(node) and not (inherited and node.name in VERBS):
            yield node


def test_python_is_documented():
    wrong = []
    for path in files("tunnel", endings=(".py",)):
        tree = parsed(path)
        if not ast.get_docstring(tree):
            wrong.append(at(path, 1, "the module has no docstring"))
        wrong += [at(path, node.lineno, f"{node.name} has no docstring") for node in undocumented(tree.body)]
    assert not wrong, report(wrong)


def after_the_head(lines: list[str], number: int) -> str:
    """The first line behind a head that may go over several lines."""
    while not lines[number].split("#")[0].rstrip().endswith(":"):
        number += 1
    return next((line.strip() for line in lines[number + 1 :] if line.strip()), "")


def undocumented_cython(path: Path) -> Iterator[tuple[int, str]]:
    lines = path.read_text().splitlines()
    if not lines[0].startswith(('"""', 'r"""')):
        yield 1, "the module"
    for number, line in enumerate(lines):
        name = line.split("(")[0].split()[-1] if CYTHON_PUBLIC.match(line) else ""
        one_line = line.rstrip().endswith(("pass", "..."))
        if name and name not in VERBS and not one_line and not documented(lines, number):
            yield number + 1, line.strip()


def documented(lines: list[str], number: int) -> bool:
    if lines[number - 1].strip().endswith((".setter", ".deleter")):
        return True
    return after_the_head(lines, number).startswith(('"""', 'r"""', '"'))


def test_cython_is_documented():
    wrong = [
        at(path, number, f"{what} has no docstring")
        for path in files("ext", "tunnel", endings=(".pyx",))
        for number, what in undocumented_cython(path)
    ]
    assert not wrong, report(wrong)

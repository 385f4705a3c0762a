"""The name is the index: which files stand together, how long they are, what lies at the top."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.source.tree import TOP, at, files, functions, parsed, report, tracked, without_strings

AT_THE_TOP = {
    "pyproject.toml", "setup.py", "tunnel", "ext", "tests", "bench", "docs", "examples", "README.md",
    "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", ".ci", ".gitignore",
}
LINES_A_FILE = 300
LINES_A_FUNCTION = 60
SOURCES = (".py", ".pyx", ".pxd", ".pyi", ".h", ".c")
CYTHON_HEAD = re.compile(r"^\s*(?:cdef\s+(?!class\b)[^=]*\(|def\s)")


def companions(source: Path) -> list[Path]:
    """What must stand beside ``ext/a/b.pyx``."""
    place = source.relative_to(TOP / "ext").with_suffix("")
    test = TOP / "tests" / "unit" / place.with_name(f"test_{place.name}.py")
    return [TOP / "tunnel" / place.with_suffix(".pyi"), TOP / "tunnel" / place.with_suffix(".pxd"), test]


def test_top_level():
    wrong = [
        at(path, 1, "not a place of this tree")
        for path in tracked()
        if path.relative_to(TOP).parts[0] not in AT_THE_TOP
    ]
    assert not wrong, report(wrong)


def test_four_files():
    missing = [
        at(source, 1, f"{wanted.relative_to(TOP)} is missing")
        for source in files("ext", endings=(".pyx",))
        for wanted in companions(source)
        if not wanted.exists()
    ]
    assert not missing, report(missing)


def test_a_c_face_without_source_is_inline():
    wrong = []
    for face in files("tunnel", endings=(".pxd",)):
        source = TOP / "ext" / face.relative_to(TOP / "tunnel").with_suffix(".pyx")
        if not source.exists() and face.name != "__init__.pxd":
            lines = without_strings(face.read_text()).splitlines()
            wrong += [
                at(face, number, "a class needs a source: ext/ has none for this file")
                for number, line in enumerate(lines, 1)
                if line.lstrip().startswith("cdef class")
            ]
    assert not wrong, report(wrong)


def test_stubs_belong_to_sources():
    wrong = [
        at(stub, 1, "stub of a module that ext/ does not have")
        for stub in files("tunnel", endings=(".pyi",))
        if not (TOP / "ext" / stub.relative_to(TOP / "tunnel").with_suffix(".pyx")).exists()
    ]
    assert not wrong, report(wrong)


def test_files_are_short():
    wrong = [
        at(path, LINES_A_FILE + 1, f"the file has {length} lines: split it by subject")
        for path in files("tunnel", "ext", "bench", "tests", endings=SOURCES)
        if (length := path.read_text().count("\n")) > LINES_A_FILE
    ]
    assert not wrong, report(wrong)


def python_functions(path: Path) -> Iterator[tuple[int, str, int]]:
    """Line, name and length."""
    for function in functions(parsed(path)):
        yield function.lineno, function.name, (function.end_lineno or 0) - function.lineno + 1


def depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def length_at(lines: list[str]) -> int:
    """A function ends before the next line that is indented no deeper than its head."""
    for number, line in enumerate(lines[1:], 1):
        if line.strip() and depth(line) <= depth(lines[0]) and not line.lstrip().startswith(")"):
            return number
    return len(lines)


def cython_functions(path: Path) -> Iterator[tuple[int, str, int]]:
    """Line, head and length."""
    lines = without_strings(path.read_text()).splitlines()
    for number, line in enumerate(lines):
        if CYTHON_HEAD.match(line):
            yield number + 1, line.strip(), length_at(lines[number:])


def test_functions_are_short():
    python = files("tunnel", "bench", endings=(".py",))
    cython = files("tunnel", "ext", endings=(".pyx", ".pxd"))
    every = [(path, function) for path in python for function in python_functions(path)]
    every += [(path, function) for path in cython for function in cython_functions(path)]
    wrong = [
        at(path, line, f"{name} has {length} lines")
        for path, (line, name, length) in every
        if length > LINES_A_FUNCTION
    ]
    assert not wrong, report(wrong)

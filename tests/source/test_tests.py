"""Tests of tests: each asserts something that can fail, and none waits by sleeping."""

from __future__ import annotations

import ast

from tests.source.tree import at, files, functions, parsed, report

EXPECTATIONS = {"raises", "warns", "fail"}


def called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def asserting_functions() -> set[str]:
    """Names of the functions in tests/ and of the test kit that assert something themselves."""
    return {
        function.name
        for path in files("tests", "tunnel", endings=(".py",))
        for function in functions(parsed(path))
        if path.parts[-2] != "tunnel" or path.name == "testing.py"
        if asserts(function, EXPECTATIONS)
    }


def asserts(function: ast.AST, counting: set[str]) -> bool:
    return any(
        isinstance(node, ast.Assert) or (isinstance(node, ast.Call) and called(node) in counting)
        for node in ast.walk(function)
    )


def test_every_test_asserts():
    counting = EXPECTATIONS | asserting_functions()
    wrong = [
        at(path, function.lineno, f"{function.name} asserts nothing")
        for path in files("tests", endings=(".py",))
        if path.name.startswith("test_")
        for function in functions(parsed(path))
        if function.name.startswith("test_") and not asserts(function, counting)
    ]
    assert not wrong, report(wrong)


def test_no_test_sleeps():
    wrong = [
        at(path, node.lineno, "waits by the clock: wait for the event")
        for path in files("tests", endings=(".py",))
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and called(node) == "sleep"
    ]
    assert not wrong, report(wrong)

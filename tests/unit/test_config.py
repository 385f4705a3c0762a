"""Reading a file, and the words of its mistakes."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from tunnel import config
from tunnel.config import Document
from tunnel.errors import ConfigError


def problem(folder: Path, content: bytes) -> str:
    """The one complaint, its file reduced to the name."""
    file = folder / "graph.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        config.read(file, trust=True)
    (found,) = caught.value.problems
    assert found.file == str(file)
    return f"{found.line}: {found.text}"


def test_values_and_lines(tmp_path: Path) -> None:
    file = tmp_path / "graph.toml"
    file.write_bytes(b"a = 1\r\n[b]\r\nc = '''\r\nx'''\r\nd = 2\r\n")
    document = config.read(file, trust=True)
    assert document.values == {"a": 1, "b": {"c": "x", "d": 2}}
    assert document.lines == {("a",): 1, ("b",): 2, ("b", "c"): 3, ("b", "d"): 5}


@pytest.mark.parametrize(("content", "expected"), [
    (b"a = 1\nb = \n", "2: not TOML at column 5: invalid value"),
    (b"a = 1\na = 2\n", "2: not TOML at column 6: cannot overwrite a value"),
    (b"a = [\n1,\n", "3: not TOML at the end of the file: invalid value"),
    (b"a = 1\n\nb = '\xff'\n", "3: found the byte 0xff, expected UTF-8"),
    (b"a = " + b"[" * 100_000, "None: arrays or tables nested too deeply"),
])
def test_what_is_no_toml(tmp_path: Path, content: bytes, expected: str) -> None:
    assert problem(tmp_path, content) == expected


def test_an_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.toml: cannot be read: No such file or directory"):
        config.read(tmp_path / "none.toml")


def test_a_place_without_a_line_has_that_of_its_table() -> None:
    document = Document("f", {}, {("a",): 3, ("a", "b"): 5})
    assert document.line(("a", "b", "c", 0)) == 5
    assert document.line(("a", "x")) == 3
    assert document.line(("x",)) is None


def test_problems_come_in_the_order_of_lines() -> None:
    document = Document("f", {}, {("a",): 3, ("b",): 2})
    document.finish()
    document.report(("a",), "one")
    document.report(("b", "c d", 1), "two")
    with pytest.raises(ConfigError) as caught:
        document.finish()
    assert str(caught.value) == 'f:2: b."c d"[1]: two\nf:3: a: one'


@pytest.mark.parametrize(("value", "text"), [
    (True, "the boolean true"), (3, "the integer 3"), (1.5, "the float 1.5"), ("x", 'the string "x"'),
    ("y" * 90, 'the string "' + "y" * 55 + '..."'), ([], "an array"), ({}, "a table"),
    (datetime.date(2024, 5, 17), "the date 2024-05-17"),
])
def test_values_in_words(value: object, text: str) -> None:
    assert config.shown(value) == text


def test_hints() -> None:
    assert config.meant("adress", ["address", "mtu"]) == ' (did you mean "address"?)'
    assert config.meant("zzz", ["address", "mtu"]) == ""
    assert config.choices([]) == "none is known"
    assert config.choices(["b", "a"]) == "expected one of a, b"
    assert config.choices(["b"]) == "expected b"

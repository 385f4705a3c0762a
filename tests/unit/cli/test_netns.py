"""``tunnel netns`` as far as it needs no rights: usage, and how names are shown."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.unit.cli.calls import call
from tunnel.lab import named_files


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(named_files, "NAMED", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("words", "expected"), [
    ((), "missing command; see `tunnel netns --help`"),
    (("add",), "missing argument 'NAME...'; see `tunnel netns add --help`"),
    (("delete",), "expected either NAME or --all; see `tunnel netns delete --help`"),
    (("delete", "--all", "a"), "expected either NAME or --all; see `tunnel netns delete --help`"),
    (("exec",), "missing argument 'NAME'; see `tunnel netns exec --help`"),
    (("exec", "--all"), "missing argument 'COMMAND'; see `tunnel netns exec --help`"),
    (("identify", "x"), "invalid value for '[PID]': 'x' is not a valid integer range"),
    (("set", "a", "-1"), "no such option '-1'"),
    (("set", "a", "²"), "invalid value for 'NSID': '²' is neither 'auto' nor a number from 0 to 2147483647"),
    (("set", "a", "2147483648"), "invalid value for 'NSID': '2147483648' is neither"),
    (("pids", "a/b"), "namespace 'a/b': a name is 1 to 255 bytes"),
])
def test_wrong_usage_is_1(
    capsys: pytest.CaptureFixture[str], folder: Path, words: tuple[str, ...], expected: str
) -> None:
    ended = call(capsys, "netns", *words)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"tunnel: {expected}")
    assert ended.err.count("\n") == 1


def test_every_wrong_name_is_told_and_nothing_is_made(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    ended = call(capsys, "netns", "add", "good", "a/b", "x\ny", "..", "--", "-z")
    assert ended.status == 1
    assert [line.split("'")[1] for line in ended.err.splitlines()] == ["a/b", "x\\ny", "..", "-z"]
    assert list(folder.iterdir()) == []


def test_nothing_is_an_empty_list(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert call(capsys, "netns", "list") == (0, "", "")
    assert call(capsys, "netns", "list", "-j") == (0, "[]\n", "")
    assert call(capsys, "netns", "identify", "-j") == (0, "[]\n", "")
    assert call(capsys, "netns", "identify") == (0, "", "")


def test_a_name_cannot_write_to_the_terminal(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    names = sorted(["\x1b[2Jgone", "a\nb", os.fsdecode(b"\xff"), "ü"])
    for name in names:
        (folder / name).touch()
    ended = call(capsys, "netns", "list")
    shown = [line.split("  ")[0] for line in ended.out.splitlines()]
    assert shown == ["NAME", *(name if name == "ü" else repr(name) for name in names)]
    assert [one["name"] for one in json.loads(call(capsys, "netns", "list", "-j").out)] == names


def test_what_is_missing_is_told_a_line_each(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    ended = call(capsys, "netns", "delete", "x", "y")
    assert (ended.status, ended.out) == (2, "")
    assert [line.split(": ")[:2] for line in ended.err.splitlines()] == [
        ["tunnel", "delete namespace 'x'"], ["tunnel", "delete namespace 'y'"],
    ]
    for verb in (("pids", "x"), ("set", "x", "1")):
        ended = call(capsys, "netns", *verb)
        assert ended.status == 2
        assert ended.err.startswith("tunnel: namespace 'x': No such file or directory")
    assert call(capsys, "netns", "exec", "x", "true").status == 255

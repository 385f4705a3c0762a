"""Steps told on stderr: lines without a terminal, a bar on one."""

from __future__ import annotations

import io
import sys

import pytest

from tunnel.cli.progress import Steps


class Terminal(io.StringIO):
    """An stderr that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_without_a_terminal_each_step_is_a_line(capsys: pytest.CaptureFixture[str]):
    with Steps() as steps:
        assert steps.run("first", lambda _: 1) + steps.run("second", lambda _: 2) == 3
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines] == ["first", "second"]


def test_on_a_terminal_there_is_a_bar(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    with Steps() as steps:
        steps.run("first", lambda progress: progress(1.0))
    assert "[" in screen.getvalue() and "done" in screen.getvalue()


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]):
    with Steps(quiet=True) as steps:
        steps.run("first", lambda progress: progress(1.0))
    assert capsys.readouterr().err == ""

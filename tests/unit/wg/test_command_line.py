"""Words and environment of ``tunnel-wg``, and what it says without an interface."""

from __future__ import annotations

import logging
import os

import pytest

from tunnel import __version__
from tunnel.errors import ConfigError
from tunnel.wg import logs
from tunnel.wg.command_line import USAGE, Settings, read
from tunnel.wg.program import main


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["wg0"], Settings("wg0")),
        (["-f", "wg0"], Settings("wg0", foreground=True)),
        (["--foreground", "wg0"], Settings("wg0", foreground=True)),
        ([], None), ([""], None), (["-f"], None), (["-x"], None), (["wg0", "-f"], None), (["a", "b"], None),
        (["--help"], None),
    ],
)  # fmt: skip
def test_words(words: list[str], wanted: Settings | None):
    assert read(words, {}) == wanted


def test_environment():
    told = {
        "WG_PROCESS_FOREGROUND": "1", "WG_TUN_FD": "3", "WG_UAPI_FD": "4", "LOG_LEVEL": "verbose",
        "TUNNEL_WG_KEYLOG": "keys", "TUNNEL_WG_READY_FD": "5",
    }  # fmt: skip
    assert read(["wg0"], told) == Settings("wg0", True, 3, 4, 5, "verbose", "keys")
    assert read(["wg0"], dict.fromkeys(told, "")) == Settings("wg0")
    assert read(["wg0"], {"WG_PROCESS_FOREGROUND": "0"}) == Settings("wg0")


@pytest.mark.parametrize("value", ["x", "-1", "3 ", "1" * 10, "\u00b2"])
def test_a_descriptor_is_a_number(value: str):
    with pytest.raises(ConfigError, match="WG_TUN_FD=.*the number of an open descriptor was expected"):
        read(["wg0"], {"WG_TUN_FD": value})


def test_usage_and_version(capsys: pytest.CaptureFixture[str]):
    assert main(["--version"]) == 0
    assert capsys.readouterr() == (f"tunnel-wg {__version__}\n", "")
    assert main([]) == 0
    assert capsys.readouterr() == (f"{USAGE}\n", "")


def test_a_bad_environment_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(os.environ, "WG_UAPI_FD", "x")
    assert main(["wg0"]) == 1
    out, errors = capsys.readouterr()
    assert out == "" and errors.startswith("tunnel-wg: WG_UAPI_FD='x': ") and errors.count("\n") == 1


@pytest.mark.parametrize(
    ("level", "heard", "kept"),
    [
        ("verbose", 4, True), ("debug", 4, True), ("error", 2, True), ("silent", 0, False), (None, 2, False),
        ("x", 2, True),
    ],
)  # fmt: skip
def test_the_log(capsys: pytest.CaptureFixture[str], level: str | None, heard: int, kept: bool):
    root = logging.getLogger()
    before, root.handlers, was = root.handlers, [], root.level
    try:
        logs.begin("wg0", level)
        for number in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            root.log(number, "text")
        lines = capsys.readouterr().out.splitlines()
    finally:
        root.handlers, logging.raiseExceptions = before, True
        root.setLevel(was)
    assert len(lines) == heard and logs.kept(level) == kept
    assert not lines or (lines[-1].startswith("ERROR: (wg0) 20") and lines[-1].endswith(" text"))
